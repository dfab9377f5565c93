/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_listed.c - what a client wants signed besides a digest: a CTL, of which the
 * record wants to know every member, or a table of page hashes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "authenticode/pe_pages.h"
#include "base/text.h"
#include "daemon/keeper/catalog.h"
#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static void
check_refusal(const struct kd_err *e)
{
	require(e->code == KD_E_REQUEST || e->code == KD_E_TOO_LARGE);
	require(e->msg[0] != '\0' && text_is_utf8(e->msg, strlen(e->msg)));
}

/* A JSON array of as many elements as there are members, whatever stands in them. */
static void
check_members(const struct buf *list, size_t members)
{
	AUTO(buf_clear) struct buf event = {0};
	AUTO(json_free) struct json *j = NULL;
	struct kd_err e = {0};
	struct jo o;

	jw_open(&event);
	jw_json(&event, "members", list);
	jw_close(&event);
	require(json_parse((const char *)event.p, event.len, &j, &e));
	o = jo_top(j, &e);
	require(jo_arr(&o, "members", 0, SIZE_MAX).n == members && jo_end(&o));
}

/* The first byte says which: '0' a CTL; '1' a table of SHA-1, '2' of SHA-256. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(buf_clear) struct buf list = {0};
	struct kd_err e = {0};
	size_t members;

	if (n == 0)
		return 0;
	if (p[0] % 3 == 0) {
		if (catalog_members(&p[1], n - 1, &list, &members, &e))
			check_members(&list, members);
		else
			check_refusal(&e);
	} else if (!pe_pages_check(
		       p[0] % 3 == 1 ? MD_SHA1 : MD_SHA256, &p[1], n - 1, 8192, &e)) {
		check_refusal(&e);
	}
	return 0;
}
