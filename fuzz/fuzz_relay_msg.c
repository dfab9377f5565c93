/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_relay_msg.c - what reaches the relay, frame payload and body in it, and its
 * answer to a client: refused with a reason, or encoded back to the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/api.h"
#include "wire/relay_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_reason(const struct kd_err *e)
{
	if (e->code == KD_OK || e->msg[0] == '\0')
		abort();
}

/* A body that is accepted encodes to one that is accepted and the same again. */
static void
check_body(const char *p, size_t n)
{
	AUTO(buf_clear) struct buf once = {0}, twice = {0};
	struct api_stamp_request r = {0}, again = {0};
	struct kd_err e = {0};

	if (!api_stamp_request_decode(p, n, &r, &e)) {
		check_reason(&e);
		return;
	}
	api_stamp_request_encode(&r, &once);
	if (!api_stamp_request_decode((const char *)once.p, once.len, &again, &e))
		abort();
	api_stamp_request_encode(&again, &twice);
	if (once.len != twice.len || memcmp(once.p, twice.p, once.len) != 0)
		abort();
}

static void
check_ask(const uint8_t *p, size_t n)
{
	AUTO(buf_clear) struct buf b = {0};
	struct relay_ask a;
	struct kd_err e = {0};

	if (!relay_ask_decode(rd_init(p, n), &a, &e)) {
		check_reason(&e);
		return;
	}
	relay_ask_encode(&a, &b);
	if (b.failed || b.len != n || memcmp(b.p, p, n) != 0)
		abort();
	check_body((const char *)a.body.p, a.body.len);
}

static void
check_answer(const char *p, size_t n, enum api_stamp_kind kind)
{
	AUTO(api_stamp_answer_clear) struct api_stamp_answer a = {0};
	struct kd_err e = {0};

	if (!api_stamp_answer_decode(p, n, kind, &a, &e))
		check_reason(&e);
	else if (a.len == 0 || a.len > API_STAMP_MAX)
		abort();
}

/* The first byte says which; the rest is the payload, body or answer. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n == 0)
		return 0;
	switch (p[0] % 4) {
	case 0:
		check_ask(&p[1], n - 1);
		break;
	case 1:
		check_body((const char *)&p[1], n - 1);
		break;
	case 2:
		check_answer((const char *)&p[1], n - 1, API_STAMP_RFC3161);
		break;
	default:
		check_answer((const char *)&p[1], n - 1, API_STAMP_LEGACY);
	}
	return 0;
}
