/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authenticode/format_script.c - PowerShell's scripts, modules and their XML, signed in a
 * block of comments at their end:
 *
 *	text | CRLF | # SIG # Begin signature block CRLF
 *	     | # base64, 64 characters a line CRLF ... | # SIG # End signature block CRLF
 *
 * Spec: facts, cab-and-others.md section 5; docs/FORMATS.md, "Scripts".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/crypto.h>

#include "authenticode/cms.h"
#include "authenticode/der.h"
#include "authenticode/format.h"
#include "authenticode/script_text.h"
#include "authenticode/spc.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

/* A script is text that people wrote. Bounds the time for a hostile one, too. */
#define SCRIPT_MAX ((uint64_t)64 << 20)
#define SIGNATURE_MAX ((size_t)1 << 20) /* a ContentInfo with timestamp has 10 KiB */
#define BASE64_WIDTH 64

#define BEGIN "SIG # Begin signature block"
#define END "SIG # End signature block"

/* How a kind of file makes a comment of a line. */
struct style {
	const char *suffix;
	bool utf8_early; /* script_text.h: Windows looks for UTF-8 without a byte order mark */
	const char *open, *close, *begin, *end;
};
#define STYLE(suffix, utf8_early, open, close)                                           \
	{                                                                                \
		suffix, utf8_early, open, close, open BEGIN close, open END close        \
	}
static const struct style styles[] = {
    STYLE(".ps1", true, "# ", ""),
    STYLE(".psm1", true, "# ", ""),
    STYLE(".psd1", true, "# ", ""),
    STYLE(".ps1xml", false, "<!-- ", " -->"),
    STYLE(".psc1", false, "<!-- ", " -->"),
    STYLE(".cdxml", false, "<!-- ", " -->"),
    STYLE(".mof", false, "/* ", " */"),
};

struct script {
	const struct style *style;
	struct script_head head;
	uint64_t body_end; /* where the block's first CRLF is; unsigned: the file's end */
	uint64_t block, block_end; /* its base64 lines */
	enum script_encoding encodings[2]; /* the readings to try, the likelier first */
	unsigned encodings_n;
	bool certain; /* one reading, on every machine */
	/* The body's line ends: the first, and the first that is another. */
	enum script_end end, other_end;
	uint64_t end_line, other_line;
	struct script_seen seen;
};

static const struct style *
find_style(const char *name)
{
	size_t n = name != NULL ? strlen(name) : 0;

	for (size_t i = 0; i < KD_ARRAY_LEN(styles); i++) {
		size_t m = strlen(styles[i].suffix);

		if (n >= m && text_eq_nocase(&name[n - m], styles[i].suffix))
			return &styles[i];
	}
	return NULL;
}

static bool
script_recognise(int fd, const char *name)
{
	(void)fd;
	return find_style(name) != NULL;
}

/* ---- the block ---- */

static bool
is_line(const struct script_line *l, const char *what)
{
	size_t n = strlen(what);

	return l->len == n && memcmp(l->text, what, n) == 0;
}

/* Does the line begin like the block's first? Some readers look no further. */
static bool
begins_block(const struct style *style, const struct script_line *l)
{
	size_t n = strlen(style->begin) - strlen(style->close);

	return l->len >= n && memcmp(l->text, style->begin, n) == 0;
}

static bool
is_base64(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((s[i] < 'A' || s[i] > 'Z') && (s[i] < 'a' || s[i] > 'z') &&
		    (s[i] < '0' || s[i] > '9') && s[i] != '+' && s[i] != '/' &&
		    s[i] != '=')
			return false;
	return n > 0;
}

/* The base64 of a line of the block, without the comment around it; NULL: it has none. */
static const char *
base64_of(const struct style *style, const struct script_line *l, size_t *ret_len)
{
	size_t open = strlen(style->open), close = strlen(style->close);

	if (l->len <= open + close || l->len > open + close + BASE64_WIDTH ||
	    memcmp(l->text, style->open, open) != 0 ||
	    memcmp(&l->text[l->len - close], style->close, close) != 0)
		return NULL;
	*ret_len = (size_t)l->len - open - close;
	return is_base64(&l->text[open], *ret_len) ? &l->text[open] : NULL;
}

static bool
bad_block(const struct script_line *l, struct kd_err *e, const char *what)
{
	(void)kd_fail(e, KD_E_FORMAT, "line %" PRIu64 ": %s", l->number, what);
	return kd_hint(e,
	    "an editor or a version control system may have changed the signature block: "
	    "take the file as it was signed, or cut the block off and sign again");
}

static bool
want_crlf(const struct script_line *l, struct kd_err *e)
{
	char what[80];

	if (l->end == SCRIPT_END_CRLF)
		return true;
	(void)snprintf(what, sizeof(what),
	    "the signature block's line ends with %s, CRLF expected",
	    script_end_name(l->end));
	return bad_block(l, e, what);
}

/* From after the line that begins it to the end of the file: nothing may follow. */
static bool
read_block(struct script_reader *r, const struct script_line *begin, struct script *s,
    struct kd_err *e)
{
	struct script_line l;
	bool last = false;
	size_t n;

	s->block = begin->next;
	for (;;) {
		if (!script_reader_line(r, &l, e))
			return false;
		if (is_line(&l, s->style->end))
			break;
		if (last || base64_of(s->style, &l, &n) == NULL)
			return bad_block(&l, e,
			    "is neither base64 of the signature block nor its end");
		if (!want_crlf(&l, e))
			return false;
		last = n < BASE64_WIDTH;
	}
	s->block_end = l.off;
	if (!want_crlf(&l, e))
		return false;
	if (!script_reader_line(r, &l, e))
		return false;
	return (l.len == 0 && l.end == SCRIPT_END_NONE) ||
	       bad_block(&l, e, "text stands behind the signature block");
}

struct ended { /* the line before: how it ended, and where */
	enum script_end end;
	uint64_t number, at;
};

/* The block and the CRLF in front of it, which belongs to it. */
static bool
open_block(struct script_reader *r, const struct ended *before,
    const struct script_line *begin, struct script *s, struct kd_err *e)
{
	if (before->end != SCRIPT_END_CRLF)
		return bad_block(begin, e,
		    "the signature block does not stand behind CRLF");
	if (!is_line(begin, s->style->begin))
		return bad_block(
		    begin, e, "the line that begins the signature block goes on");
	s->body_end = before->at;
	return want_crlf(begin, e) && read_block(r, begin, s, e);
}

/* ---- the text ---- */

static void
note_end(struct script *s, const struct ended *l)
{
	if (l->end == SCRIPT_END_NONE)
		return;
	if (s->end == SCRIPT_END_NONE) {
		s->end = l->end;
		s->end_line = l->number;
	} else if (l->end != s->end && s->other_line == 0) {
		s->other_end = l->end;
		s->other_line = l->number;
	}
}

/* One pass over all lines. A line's end is the text's unless the block begins behind it. */
static bool
read_lines(struct script_reader *r, uint64_t size, struct script *s, bool *ret_signed,
    struct kd_err *e)
{
	size_t width = script_width(s->head.encoding);
	struct ended before = {0};
	struct script_line l;

	for (;;) {
		if (!script_reader_line(r, &l, e))
			return false;
		*ret_signed = begins_block(s->style, &l);
		if (*ret_signed)
			return open_block(r, &before, &l, s, e);
		note_end(s, &before);
		if (l.end == SCRIPT_END_NONE)
			break;
		before = (struct ended){l.end, l.number, l.off + width * l.len};
	}
	s->body_end = size;
	return true;
}

/*
 * Which readings may a signature be over? The byte order mark's, or ASCII's; what Windows
 * takes for UTF-8 without one; else that of the code page it was signed with, of which we
 * know one, or UTF-8, as tools outside Windows have it.
 */
static void
choose_readings(struct script *s)
{
	bool utf8 = s->seen.not_utf8_line == 0;

	s->encodings[0] = s->head.encoding;
	s->encodings_n = 1;
	s->certain = s->head.bom || s->seen.ascii ||
		     (s->style->utf8_early && s->head.utf8_early && utf8);
	if (s->certain)
		return;
	if (utf8)
		s->encodings[s->encodings_n++] = SCRIPT_WINDOWS_1252;
	else
		s->encodings[0] = SCRIPT_WINDOWS_1252;
}

static bool
check_size(int fd, uint64_t *ret, struct kd_err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return kd_fail(e, KD_E_FILE, "cannot be looked at");
	if ((uint64_t)st.st_size > SCRIPT_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "is a script of %" PRIu64 " bytes, at most %" PRIu64 " are accepted",
		    (uint64_t)st.st_size, SCRIPT_MAX);
	*ret = (uint64_t)st.st_size;
	return true;
}

static bool
check_encoding(const struct script *s, uint64_t size, struct kd_err *e)
{
	if (size % script_width(s->head.encoding) != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "is UTF-16 by its byte order mark, and has an odd number of bytes");
	if (s->head.bom && s->head.encoding == SCRIPT_UTF8 && s->seen.not_utf8_line != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "line %" PRIu64 ": malformed UTF-8, which the byte order mark promises",
		    s->seen.not_utf8_line);
	return true;
}

static bool
script_open(int fd, const char *name, struct format_file *f, struct kd_err *e)
{
	AUTO(script_reader_free) struct script_reader *r = NULL;
	AUTO(free) struct script *s = kd_alloc(sizeof(*s));
	uint64_t size = 0;
	bool is_signed;

	if (s == NULL)
		return kd_fail_nomem(e, "script");
	s->style = find_style(name);
	if (s->style == NULL)
		return kd_fail(e, KD_E_BUG, "script without a name");
	if (!check_size(fd, &size, e) || !script_head_read(fd, size, &s->head, e) ||
	    !script_reader_new(fd, size, s->head.encoding, &r, e) ||
	    !read_lines(r, size, s, &is_signed, e))
		return false;
	s->seen = *script_reader_seen(r);
	if (!check_encoding(s, size, e))
		return false;
	choose_readings(s);
	f->size = size;
	f->is_signed = is_signed;
	f->state = STEAL(s);
	return true;
}

static bool
check_readable(const struct script *s, struct kd_err *e)
{
	if (s->seen.nul_line != 0) {
		(void)kd_fail(e, KD_E_FORMAT,
		    "line %" PRIu64 ": a NUL, which no script has", s->seen.nul_line);
		return kd_hint(e,
		    "if it is UTF-16, PowerShell wants a byte order mark: save it with "
		    "one");
	}
	if (s->certain)
		return true;
	(void)kd_fail(e, KD_E_FORMAT,
	    "has characters beyond ASCII and no byte order mark: Windows would read it in "
	    "the code page of each machine, and find another digest on the next");
	return kd_hint(e, "save it as UTF-8 with a byte order mark, then sign");
}

/* Whoever saves it, or checks it out, makes the line ends alike and breaks the signature;
 * Windows would sign it. */
static bool
script_signable(int fd, const struct format_file *f, struct kd_err *e)
{
	const struct script *s = f->state;
	(void)fd;

	if (s->body_end == 0)
		return kd_fail(e, KD_E_FORMAT, "is empty");
	if (!check_readable(s, e))
		return false;
	if (s->other_line == 0)
		return true;
	(void)kd_fail(e, KD_E_FORMAT,
	    "line %" PRIu64 " ends with %s, line %" PRIu64
	    " with %s: the next editor would make them alike, and break the signature",
	    s->other_line, script_end_name(s->other_end), s->end_line,
	    script_end_name(s->end));
	return kd_hint(e, "make all line ends alike (unix2dos FILE, or dos2unix FILE), then "
			  "sign");
}

/* ---- signature and digest ---- */

static bool
unsigned_script(struct kd_err *e)
{
	return kd_fail(e, KD_E_UNSIGNED, "has no signature block");
}

static bool
read_base64(int fd, const struct script *s, uint64_t size, struct buf *ret,
    struct kd_err *e)
{
	AUTO(script_reader_free) struct script_reader *r = NULL;
	struct script_line l;
	const char *text;
	size_t n;

	/* The file ends with the block; line numbers do not matter here. */
	if (!script_reader_new(fd, size, s->head.encoding, &r, e))
		return false;
	script_reader_seek(r, s->block);
	do {
		if (!script_reader_line(r, &l, e))
			return false;
		text = base64_of(s->style, &l, &n);
		if (l.off < s->block_end && text == NULL)
			return kd_fail(e, KD_E_FILE, "changed while it was read");
		if (l.off < s->block_end)
			buf_add(ret, text, n);
	} while (l.next < s->block_end);
	return buf_ok(ret, "signature block", e);
}

static bool
script_signature(int fd, const struct format_file *f, struct buf *ret, struct kd_err *e)
{
	const struct script *s = f->state;
	AUTO(buf_clear) struct buf base64 = {.max = 2 * SIGNATURE_MAX};
	AUTO(buf_clear) struct buf der = {0};
	struct tlv whole;
	struct rd r;

	if (!f->is_signed)
		return unsigned_script(e);
	if (s->block_end - s->block > 4 * SIGNATURE_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "signature block of %" PRIu64 " bytes, at most %zu are accepted",
		    s->block_end - s->block, 4 * SIGNATURE_MAX);
	if (!read_base64(fd, s, f->size, &base64, e))
		return false;
	if (!text_unbase64((const char *)base64.p, base64.len, &der, e))
		return kd_in(e, "signature block");
	r = rd_init(der.p, der.len);
	if (!der_want(&r, DER_SEQUENCE, "signature", &whole, e) ||
	    !der_done(&r, "signature block", e))
		return false;
	buf_add(ret, der.p, der.len);
	return buf_ok(ret, "signature", e);
}

static bool
digest_as(int fd, const struct script *s, enum script_encoding encoding, enum md md,
    uint8_t ret[MD_LEN_MAX], struct kd_err *e)
{
	AUTO(format_hash_free) struct format_hash *h = NULL;

	return format_hash_new(md, &h, e) &&
	       script_hash(h, fd, s->body_end, encoding, e) &&
	       format_hash_done(h, ret, e);
}

/* The reading that the signature is over, when there are several; the first when it is
 * over none of them. */
static bool
settle_reading(int fd, const struct format_file *f, struct script *s, struct kd_err *e)
{
	AUTO(buf_clear) struct buf der = {0};
	AUTO(cms_clear) struct cms c = {0};
	uint8_t digest[MD_LEN_MAX];
	struct kd_err no = {0};
	struct spc spc;

	if (s->encodings_n < 2 || !f->is_signed ||
	    !script_signature(fd, f, &der, &no) || !cms_parse(der.p, der.len, &c, &no) ||
	    c.content == NULL || !spc_parse(c.content, c.content_len, &spc, &no))
		return true;
	for (unsigned i = 0; i < s->encodings_n; i++) {
		if (!digest_as(fd, s, s->encodings[i], spc.md, digest, e))
			return false;
		if (CRYPTO_memcmp(digest, spc.digest, md_len(spc.md)) == 0)
			s->encodings[0] = s->encodings[i];
	}
	s->encodings_n = 1;
	return true;
}

static bool
script_digest(int fd, const struct format_file *f, enum md md, uint8_t ret[MD_LEN_MAX],
    struct kd_err *e)
{
	struct script *s = f->state;

	return settle_reading(fd, f, s, e) &&
	       digest_as(fd, s, s->encodings[0], md, ret, e);
}

/* ---- writing ---- */

static void
put_line(struct buf *b, const struct script *s, const char *text, size_t n)
{
	script_put(b, s->head.encoding, s->style->open, strlen(s->style->open));
	script_put(b, s->head.encoding, text, n);
	script_put(b, s->head.encoding, s->style->close, strlen(s->style->close));
	script_put(b, s->head.encoding, "\r\n", 2);
}

static bool
put_block(
    struct buf *b, const struct script *s, const uint8_t *cms, size_t len, struct kd_err *e)
{
	AUTO(buf_clear) struct buf base64 = {0};

	if (len == 0 || len > SIGNATURE_MAX)
		return kd_fail(e, KD_E_TOO_LARGE,
		    "signature has %zu bytes, expected 1 to %zu", len, SIGNATURE_MAX);
	text_base64(&base64, cms, len);
	if (!buf_ok(&base64, "signature block", e))
		return false;
	script_put(b, s->head.encoding, "\r\n", 2);
	put_line(b, s, BEGIN, strlen(BEGIN));
	for (size_t i = 0; i < base64.len; i += BASE64_WIDTH)
		put_line(b, s, (const char *)&base64.p[i],
		    base64.len - i < BASE64_WIDTH ? base64.len - i : BASE64_WIDTH);
	put_line(b, s, END, strlen(END));
	return buf_ok(b, "signature block", e);
}

static bool
script_embed(int fd, const struct format_file *f, const uint8_t *cms, size_t len,
    int out_fd, struct kd_err *e)
{
	const struct script *s = f->state;
	AUTO(buf_clear) struct buf block = {0};

	if (cms == NULL)
		return f->is_signed ? format_copy(fd, 0, s->body_end, out_fd, 0, e)
				    : unsigned_script(e);
	return put_block(&block, s, cms, len, e) &&
	       format_copy(fd, 0, s->body_end, out_fd, 0, e) &&
	       format_pwrite(out_fd, block.p, block.len, s->body_end, e);
}

const struct format format_script = {
    .name = "script",
    .spc = SPC_TYPE_SCRIPT,
    .recognise = script_recognise,
    .open = script_open,
    .free_state = free,
    .signable = script_signable,
    .digest = script_digest,
    .signature = script_signature,
    .embed = script_embed,
};
