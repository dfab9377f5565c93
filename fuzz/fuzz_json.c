/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_json.c - any text is parsed, or refused with its place in UTF-8. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(json_free) struct json *j = NULL;
	struct kd_err e = {0};
	bool done = json_parse((const char *)p, n, &j, &e);

	if (done != (j != NULL) || done != (e.code == KD_OK))
		abort();
	if (!done && (e.msg[0] == '\0' || !text_is_utf8(e.msg, strlen(e.msg))))
		abort();
	/* nothing with a NUL in it, which jansson skips behind a number, is JSON */
	if (done && memchr(p, '\0', n) != NULL)
		abort();
	return 0;
}
