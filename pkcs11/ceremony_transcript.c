/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_transcript.c - "transcript": the page, or a check of the chain. */
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "pkcs11/ceremony.h"

static bool
check(const struct ceremony *c, const struct buf *text, struct kd_err *e)
{
	struct transcript_sum sum;

	if (!transcript_check((const char *)text->p, text->len, c->o->head, &sum, e))
		return false;
	if (c->o->head != NULL && sum.found == 0) {
		(void)kd_fail(e, KD_E_INCONSISTENT,
		    "no line has the hash %s: lines were cut off, or it is another "
		    "file's",
		    SHOW(c->o->head));
		return false;
	}
	if (c->o->head != NULL)
		ceremony_say("line %llu has that hash", (unsigned long long)sum.found);
	ceremony_say("%llu lines, chain unbroken, SHA-256 of the last: %s",
	    (unsigned long long)sum.lines, sum.head);
	return true;
}

bool
ceremony_transcript(struct ceremony *c, struct kd_err *e)
{
	AUTO(buf_clear) struct buf path = {.max = 4096};
	AUTO(buf_clear) struct buf text = {.max = TRANSCRIPT_MAX + 1};
	AUTO(buf_clear) struct buf page = {0};

	buf_printf(&path, "%s/%s", c->state, TRANSCRIPT_NAME);
	if (!buf_ok(&path, "path", e) || buf_cstr(&path) == NULL)
		return kd_fail_nomem(e, "path");
	if (!file_read_all(buf_cstr(&path), TRANSCRIPT_MAX, &text, e))
		return false;
	if (c->o->check || c->o->head != NULL)
		return check(c, &text, e) || kd_in(e, "'%s'", SHOW(buf_cstr(&path)));
	return (transcript_page((const char *)text.p, text.len, &page, e) ||
		   kd_in(e, "'%s'", SHOW(buf_cstr(&path)))) &&
	       ceremony_put(&page, e);
}
