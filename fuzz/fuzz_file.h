/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_file.h - what targets that read whole files share. config.h comes before it
 * (_GNU_SOURCE: memfd_create). */
#ifndef FUZZ_FILE_H
#define FUZZ_FILE_H
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

/* What a refusal may be beside KD_E_FORMAT and KD_E_LIMIT; a target says it before it includes
 * this. */
#ifndef FUZZ_MAY_BE
#define FUZZ_MAY_BE(code) false
#endif

static inline void
require(bool ok)
{
	if (!ok)
		abort();
}

/* Every refusal has a code that blames the file, and says why. */
static inline bool
judged(bool ok, const struct kd_err *e)
{
	require(ok == (e->code == KD_OK));
	require(ok || (e->msg[0] != '\0' &&
			  (e->code == KD_E_FORMAT || e->code == KD_E_LIMIT ||
			      FUZZ_MAY_BE(e->code))));
	return ok;
}

static inline int
memory_file(const void *p, size_t n)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	require(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	return fd;
}
#endif
