/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_api.c - the API's JSON: refused with a reason, or its encoding is a fixed
 * point. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "wire/api.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Decodes n bytes at p and encodes the outcome. */
typedef bool again_fn(const char *p, size_t n, struct buf *ret, struct kd_err *e);

static bool
request_again(const char *p, size_t n, struct buf *ret, struct kd_err *e)
{
	AUTO(api_sign_request_clear) struct api_sign_request r = {0};

	if (!api_sign_request_decode(p, n, &r, e))
		return false;
	api_sign_request_encode(&r, ret);
	return true;
}

static bool
answer_again(const char *p, size_t n, struct buf *ret, struct kd_err *e)
{
	AUTO(api_sign_answer_clear) struct api_sign_answer a = {0};

	if (!api_sign_answer_decode(p, n, &a, e))
		return false;
	api_sign_answer_encode(&a, ret);
	return true;
}

static bool
keys_again(const char *p, size_t n, struct buf *ret, struct kd_err *e)
{
	AUTO(api_keys_clear) struct api_keys k = {0};

	if (!api_keys_decode(p, n, &k, e))
		return false;
	api_keys_encode(&k, ret);
	return true;
}

static bool
ready_again(const char *p, size_t n, struct buf *ret, struct kd_err *e)
{
	AUTO(api_ready_clear) struct api_ready r = {0};

	if (!api_ready_decode(p, n, &r, e))
		return false;
	api_ready_encode(&r, ret);
	return true;
}

static bool
problem_again(const char *p, size_t n, struct buf *ret, struct kd_err *e)
{
	struct kd_err problem = {0};

	if (!api_problem_decode(p, n, &problem, e))
		return false;
	api_problem_encode(&problem, NULL, ret);
	return true;
}

static again_fn *const kinds[] = {
    request_again, answer_again, keys_again, ready_again, problem_again};

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* The first byte says which, so that a corpus file stays readable: '0' to '4'. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(buf_clear) struct buf once = {0}, twice = {0};
	struct kd_err e = {0}, none = {0};
	again_fn *again;

	if (n == 0)
		return 0;
	again = kinds[p[0] % (sizeof(kinds) / sizeof(kinds[0]))];
	if (!again((const char *)&p[1], n - 1, &once, &e)) {
		check(e.code != KD_OK && e.msg[0] != '\0');
		check(text_is_utf8(e.msg, strlen(e.msg)));
		return 0;
	}
	check(text_is_utf8((const char *)once.p, once.len));
	check(again((const char *)once.p, once.len, &twice, &none));
	check(once.len == twice.len && memcmp(once.p, twice.p, once.len) == 0);
	return 0;
}
