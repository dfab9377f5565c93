/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/share.c - memory that parent and child share: what each job in the child has
 * come to. */
#include "config.h"

#include "pkcs11/share.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/own.h"

/* The word: serial in the upper half, then 29 bits of milliseconds, then the state. */
#define STATE_BITS 3
#define STATE_MASK ((UINT64_C(1) << STATE_BITS) - 1)
#define TIME_BITS 29
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)

enum cell_state { CELL_FREE, CELL_QUEUED, CELL_BEGUN, CELL_SIGNING, CELL_CANCELLED };

static uint64_t
word(uint32_t serial, uint64_t ms, enum cell_state s)
{
	return (uint64_t)serial << 32 | (ms & TIME_MASK) << STATE_BITS | (uint64_t)s;
}

void
share_offer(struct share *s, uint32_t cell, uint32_t serial)
{
	atomic_store(&s->cells[cell].word, word(serial, 0, CELL_QUEUED));
}

bool
share_begin(struct share *s, uint32_t cell, uint32_t serial, uint64_t now_ms)
{
	uint64_t want = word(serial, 0, CELL_QUEUED);

	return atomic_compare_exchange_strong(
	    &s->cells[cell].word, &want, word(serial, now_ms, CELL_BEGUN));
}

/* From begun to another state, with serial and time as they are. */
static bool
leave_begun(struct share *s, uint32_t cell, uint32_t serial, enum cell_state to)
{
	uint64_t w = atomic_load(&s->cells[cell].word);

	return (w & STATE_MASK) == CELL_BEGUN && w >> 32 == serial &&
	       atomic_compare_exchange_strong(
		   &s->cells[cell].word, &w, (w & ~STATE_MASK) | (uint64_t)to);
}

bool
share_sign(struct share *s, uint32_t cell, uint32_t serial)
{
	return leave_begun(s, cell, serial, CELL_SIGNING);
}

bool
share_stop(struct share *s, uint32_t cell, uint32_t serial)
{
	return share_cancel(s, cell, serial) ||
	       leave_begun(s, cell, serial, CELL_CANCELLED);
}

void
share_end(struct share *s, uint32_t cell)
{
	atomic_store(&s->cells[cell].word, word(0, 0, CELL_FREE));
}

bool
share_cancel(struct share *s, uint32_t cell, uint32_t serial)
{
	uint64_t want = word(serial, 0, CELL_QUEUED);

	return atomic_compare_exchange_strong(
	    &s->cells[cell].word, &want, word(serial, 0, CELL_CANCELLED));
}

bool
share_begun(const struct share *s, uint32_t cell, uint64_t now_ms, uint64_t *ret_ms)
{
	uint64_t w = atomic_load(&s->cells[cell].word), ran;

	if ((w & STATE_MASK) != CELL_BEGUN && (w & STATE_MASK) != CELL_SIGNING)
		return false;
	ran = (now_ms - (w >> STATE_BITS)) & TIME_MASK;
	*ret_ms =
	    ran <= TIME_MASK / 2 ? ran : 0; /* begun since the caller read the clock */
	return true;
}

bool
share_map(int fd, struct share **ret, struct kd_err *e)
{
	void *p =
	    mmap(NULL, sizeof(struct share), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return kd_fail_errno(
		    e, KD_E_BUG, errno, "shared memory cannot be mapped");
	*ret = p;
	return true;
}

bool
share_new(struct share **ret, int *ret_fd, struct kd_err *e)
{
	AUTO(close) int fd = memfd_create("kdsign-signer-share", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, sizeof(struct share)) != 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "shared memory cannot be made");
	if (!share_map(fd, ret, e))
		return false;
	*ret_fd = STEAL_FD(fd);
	return true;
}

void
share_unmap(struct share *s)
{
	if (s != NULL)
		(void)munmap(s, sizeof(*s));
}
