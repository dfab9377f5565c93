/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_signer_msg.c - jobs, results, states: refused with a reason, or encoded back
 * as they were. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/signer_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool
again(unsigned which, struct rd r, struct buf *ret, struct kd_err *e)
{
	AUTO(signer_state_clear) struct signer_state state = {0};
	struct sign_result result;
	struct sign_job job;
	struct sign_bad bad;

	switch (which) {
	case 0:
		if (!sign_job_decode(r, &job, e))
			return false;
		sign_job_encode(&job, ret);
		return true;
	case 1:
		if (!sign_result_decode(r, &result, e))
			return false;
		sign_result_encode(&result, ret);
		return true;
	case 2:
		if (!sign_bad_decode(r, &bad, e))
			return false;
		sign_bad_encode(&bad, ret);
		return true;
	default:
		if (!signer_state_decode(r, &state, e))
			return false;
		signer_state_encode(&state, ret);
		return true;
	}
}

/* The first byte says which; the rest is the payload. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0};

	if (n == 0)
		return 0;
	if (!again(p[0] % 4, rd_init(&p[1], n - 1), &b, &e)) {
		if (e.code != KD_E_PROTOCOL || e.msg[0] == '\0')
			abort();
		return 0;
	}
	if (b.failed || b.len != n - 1 || memcmp(b.p, &p[1], b.len) != 0)
		abort();
	return 0;
}
