/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/transcript_page.c - the transcript as a page that people read and sign. */
#include "pkcs11/transcript.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "pkcs11/transcript_line.h"

#define CELL_MAX 8192

/* A cell of a Markdown table: what would end it, or look like markup, is escaped. */
static void
put_text(struct buf *b, const char *s)
{
	char safe[CELL_MAX];

	(void)text_show(safe, sizeof(safe), s, strlen(s));
	for (const char *p = safe; *p != '\0'; p++) {
		if (strchr("|\\`*_<>[]#&", *p) != NULL)
			buf_u8(b, '\\');
		buf_u8(b, (uint8_t)*p);
	}
}

static void
put_row(struct buf *b, const char *name, const char *value)
{
	if (value[0] == '\0')
		return;
	buf_str(b, "| ");
	put_text(b, name);
	buf_str(b, " | ");
	put_text(b, value);
	buf_str(b, " |\n");
}

static void
put_line(struct buf *b, const struct transcript_line *l, bool ended)
{
	char uid[24];

	buf_printf(b, "\n## %llu. ", (unsigned long long)l->n);
	put_text(b, l->action);
	if (strcmp(l->phase, "begin") == 0) {
		buf_str(b, ended ? ": begun"
				 : ": begun, NO END ON RECORD: it was cut off, or is "
				   "under way");
	} else {
		buf_str(b, ": ");
		put_text(b, l->result);
	}
	buf_str(b, "\n\n| | |\n|---|---|\n");
	put_row(b, "time", l->time);
	put_row(b, "token", l->label);
	put_row(b, "token serial", l->serial);
	put_row(b, "token model", l->model);
	put_row(b, "token manufacturer", l->manufacturer);
	put_row(b, "key", l->key_label);
	put_row(b, "key id", l->key_id);
	put_row(b, "public key SHA-256", l->key_spki_sha256);
	for (size_t i = 0; i < l->facts_n; i++)
		put_row(b, l->facts[i].name, l->facts[i].value);
	for (size_t i = 0; i < l->people_n; i++)
		put_row(b, "present", l->people[i]);
	(void)snprintf(uid, sizeof(uid), "%llu", (unsigned long long)l->uid);
	put_row(b, "host", l->host);
	put_row(b, "user id", uid);
	put_row(b, "tool", l->tool);
}

static size_t
line_len(const char *p, size_t n)
{
	const char *end = memchr(p, '\n', n);

	return end != NULL ? (size_t)(end - p) : n;
}

/* One tool writes at a time, so the end of an act stands right behind its begin. */
static bool
is_end(const char *p, size_t n, bool *ret, struct kd_err *e)
{
	AUTO(transcript_line_clear) struct transcript_line l = {0};

	*ret = false;
	if (n == 0)
		return true;
	if (!transcript_line_parse(p, line_len(p, n), &l, e))
		return false;
	*ret = strcmp(l.phase, "end") == 0;
	return true;
}

bool
transcript_page(const char *text, size_t n, struct buf *ret, struct kd_err *e)
{
	struct transcript_sum sum;
	size_t at = 0;

	if (!transcript_check(text, n, NULL, &sum, e))
		return false;
	buf_printf(ret,
	    "# Transcript of the key ceremony\n\n%llu line%s, chain unbroken. SHA-256 of "
	    "the "
	    "last line:\n\n    %s\n",
	    (unsigned long long)sum.lines, sum.lines == 1 ? "" : "s", sum.head);
	while (at < n) {
		AUTO(transcript_line_clear) struct transcript_line l = {0};
		size_t len = line_len(&text[at], n - at), next = at + len + 1;
		bool ended;

		if (!transcript_line_parse(&text[at], len, &l, e) ||
		    !is_end(next < n ? &text[next] : "", next < n ? n - next : 0, &ended, e))
			return false;
		put_line(ret, &l, ended);
		at = next;
	}
	buf_str(ret, "\nRead, and found to be what happened (name, date, signature):\n\n"
		     "\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\n");
	return buf_ok(ret, "page", e);
}
