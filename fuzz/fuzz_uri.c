/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_uri.c - PKCS#11 URIs: refused with a reason, or within the bounds of struct
 * uri. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "pkcs11/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
try(const char *s, enum uri_kind kind)
{
	struct kd_err e = {0};
	struct uri u;

	if (!uri_parse(s, kind, &u, &e)) {
		if (e.code == KD_OK || e.msg[0] == '\0')
			abort(); /* every refusal must say why */
		return;
	}
	if (strlen(u.label) > URI_LABEL_MAX || strlen(u.serial) > URI_SERIAL_MAX ||
	    strlen(u.object) > URI_OBJECT_MAX || u.id_len > URI_OBJECT_MAX)
		abort();
	if (kind == URI_KEY && u.object[0] == '\0' && !u.has_id)
		abort(); /* would match every key */
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(free) char *s = malloc(n + 1);

	if (s == NULL)
		return 0;
	if (n > 0)
		memcpy(s, p, n);
	s[n] = '\0';
	try(s, URI_TOKEN);
	try(s, URI_KEY);
	return 0;
}
