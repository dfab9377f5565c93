/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_child_msg.c - what a signer's child with a hostile module may send, and the
 * setup. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11/child_msg.h"

#define KEYS 4

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
ends(const char *s, size_t size)
{
	if (memchr(s, '\0', size) == NULL)
		abort();
}

static void
look_at_key(const struct child_key *m)
{
	if (m->index >= KEYS || m->key.spki_len > sizeof(m->key.spki))
		abort();
	ends(m->key.name, sizeof(m->key.name));
	ends(m->key.detail, sizeof(m->key.detail));
}

static void
look_at_result(const struct child_result *m, size_t n)
{
	if (m->cell >= SHARE_CELLS_MAX || m->code >= KD_CODES_N || m->key >= KEYS ||
	    m->len != n - CHILD_RESULT_HEAD || m->len > sizeof(m->body))
		abort();
	if (m->code == KD_OK ? m->len == 0 || !m->heard : m->len > SIGNER_DETAIL_MAX)
		abort();
}

/* All that the parent relies on once a message was accepted. */
static void
look_at(const union child_msg *m, size_t n)
{
	switch ((enum child_msg_type)m->type) {
	case CHILD_FOUND:
		ends(m->found.label, sizeof(m->found.label));
		ends(m->found.serial, sizeof(m->found.serial));
		ends(m->found.model, sizeof(m->found.model));
		ends(m->found.refuse, sizeof(m->found.refuse));
		ends(m->found.other_pin, sizeof(m->found.other_pin));
		if (m->found.other > KEYS)
			abort();
		return;
	case CHILD_LOGIN:
		if (m->login.code >= KD_CODES_N)
			abort();
		ends(m->login.detail, sizeof(m->login.detail));
		return;
	case CHILD_KEY:
		look_at_key(&m->key);
		return;
	case CHILD_READY:
		if (m->ready.sessions == 0 || m->ready.sessions > SHARE_SESSIONS_MAX)
			abort();
		return;
	case CHILD_RESULT:
		look_at_result(&m->result, n);
		return;
	case CHILD_FAULT:
		ends(m->fault.detail, sizeof(m->fault.detail));
		return;
	case CHILD_JOB:
		break;
	}
	abort(); /* a child says nothing else */
}

static void
setup(const uint8_t *p, size_t n)
{
	AUTO(child_setup_clear) struct child_setup s = {0};
	AUTO(buf_clear) struct buf again = {0};
	struct kd_err e = {0};

	if (!child_setup_read(p, n, &s, &e)) {
		if (e.code == KD_OK || e.msg[0] == '\0')
			abort();
		return;
	}
	for (size_t i = 0; i < s.keys; i++)
		if (s.uris[i] == NULL || s.pins[i] == NULL)
			abort();
	for (size_t i = 0; i < s.pre_start_n; i++)
		if (s.pre_start[i] == NULL)
			abort();
	child_setup_write(&s, &again);
}

/* The first byte: 's' a setup, else a message. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static union child_msg m;
	struct kd_err e = {0};

	if (n == 0)
		return 0;
	if (p[0] == 's') {
		setup(p + 1, n - 1);
		return 0;
	}
	p++;
	n--;
	if (n > sizeof(m)) /* recvmmsg cuts */
		n = sizeof(m);
	memset(&m, 0xa5, sizeof(m));
	memcpy(&m, p, n);
	if (child_msg_check(&m, n, KEYS, &e))
		look_at(&m, n);
	else if (e.code == KD_OK || e.msg[0] == '\0')
		abort();
	return 0;
}
