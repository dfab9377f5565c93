/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_front_msg.c - asks and answers: refused with a reason, or encoded back byte
 * for byte. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/front_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_same(const struct buf *b, const uint8_t *p, size_t n)
{
	if (b->failed || b->len != n || memcmp(b->p, p, n) != 0)
		abort();
}

static void
check_reason(const struct kd_err *e)
{
	if (e->code != KD_E_PROTOCOL || e->msg[0] == '\0')
		abort();
}

/* The first byte says which; the rest is the payload. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(buf_clear) struct buf b = {0};
	struct answer answer;
	struct kd_err e = {0};
	struct ask ask;

	if (n == 0)
		return 0;
	if (p[0] % 2 == 0 && ask_decode(rd_init(&p[1], n - 1), &ask, &e))
		ask_encode(&ask, &b);
	else if (p[0] % 2 == 1 && answer_decode(rd_init(&p[1], n - 1), &answer, &e))
		answer_encode(&answer, &b);
	else
		check_reason(&e);
	if (e.code == KD_OK)
		check_same(&b, &p[1], n - 1);
	return 0;
}
