/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_json.c - our JSON parser takes and refuses what jansson takes and refuses. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Where the two may differ: limits of ours, and numbers with exponents, which jansson
 * computes and refuses when too large for a double. */
static bool
may_differ(const uint8_t *p, size_t n, const struct kd_err *e)
{
	return e->code == KD_E_TOO_LARGE || strstr(e->msg, "nested more than") != NULL ||
	       strstr(e->msg, "an object of more than") != NULL ||
	       memchr(p, 'e', n) != NULL || memchr(p, '\0', n) != NULL ||
	       memchr(p, 'E', n) != NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(json_free) struct json *j = NULL;
	struct kd_err e = {0};
	json_error_t why;
	bool ours = json_parse((const char *)p, n, &j, &e);
	json_t *theirs = json_loadb((const char *)p, n, JSON_REJECT_DUPLICATES, &why);
	bool same = ours == (theirs != NULL);

	json_decref(theirs);
	if (!ours && (e.code == KD_OK || !text_is_utf8(e.msg, strlen(e.msg))))
		abort();
	if (!same && !may_differ(p, n, &e))
		abort();
	return 0;
}
