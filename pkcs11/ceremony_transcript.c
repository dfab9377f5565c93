/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_transcript.c - "transcript": the page, or a check of the chain. */
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "pkcs11/ceremony.h"
#include "pkcs11/state_dir.h"

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

/* Whoever mends says so, in the next lines of the same record. */
static bool
mend(struct ceremony *c, struct kd_err *e)
{
	struct transcript_piece piece;

	if (!state_dir_check(c->state, e) ||
	    !transcript_mend(c->state, c->o->dry_run, &piece, e))
		return false;
	if (piece.n == 0 || c->o->dry_run) {
		ceremony_say(piece.n == 0 ? "nothing to mend: all lines are whole"
					  : "would put half a line, %zu bytes, aside",
		    piece.n);
		return true;
	}
	ceremony_fact(c, "half a line was put aside",
	    "%zu bytes that are no line, SHA-256 %s, into %s", piece.n, piece.sha256,
	    piece.name);
	if (!transcript_open(c->state, &c->transcript, e) || !ceremony_begin(c, e) ||
	    !ceremony_end(c, NULL, e))
		return false;
	ceremony_say("half a line, %zu bytes, is in %s/%s now, which is on record", piece.n,
	    c->state, piece.name);
	return true;
}

static bool
check_head(const char *head, struct kd_err *e)
{
	uint8_t hash[TRANSCRIPT_HASH_LEN / 2];
	struct kd_err why = {0};

	if (strlen(head) == TRANSCRIPT_HASH_LEN &&
	    text_unhex(head, hash, sizeof(hash), &why))
		return true;
	return kd_fail(e, KD_E_USAGE, "--head '%s': expected a SHA-256, %d hex digits",
	    SHOW(head), TRANSCRIPT_HASH_LEN);
}

bool
ceremony_transcript(struct ceremony *c, struct kd_err *e)
{
	AUTO(buf_clear) struct buf path = {.max = 4096};
	AUTO(buf_clear) struct buf text = {.max = TRANSCRIPT_MAX + 1};
	AUTO(buf_clear) struct buf page = {0};

	if (c->o->head != NULL && !check_head(c->o->head, e))
		return false;
	if (c->o->mend)
		return mend(c, e);
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
