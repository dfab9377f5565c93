/* SPDX-License-Identifier: Apache-2.0 */
/* client/cmd_digest.c - kdsign-client digest: the Authenticode digest, as sha256sum
 * prints one. */
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "authenticode/pe_digest.h"
#include "client/client.h"
#include "client/sign_kind.h"
#include "wire/json.h"

struct digest_args {
	enum md md;
};

static const struct option_row digest_rows[] = {
    {"digest", OPTION_MD, offsetof(struct digest_args, md), "ALG",
	"sha1, sha256 (default), sha384 or sha512"},
    {0},
};

/* Like sha256sum: a name with a line end or a backslash in it is escaped, and the line
 * begins with a backslash. */
static void
put_line(struct buf *b, const uint8_t *digest, size_t n, const char *file)
{
	bool escape = strpbrk(file, "\\\n\r") != NULL;

	if (escape)
		buf_u8(b, '\\');
	text_hex(b, digest, n);
	buf_str(b, "  ");
	for (const char *p = file; *p != '\0'; p++) {
		if (*p == '\\')
			buf_str(b, "\\\\");
		else if (*p == '\n')
			buf_str(b, "\\n");
		else if (*p == '\r')
			buf_str(b, "\\r");
		else
			buf_u8(b, (uint8_t)*p);
	}
	buf_u8(b, '\n');
}

/* A PE image with something behind its certificate table has a digest all the same,
 * though it is not signed. */
static bool
digest_subject(int fd, struct sign_subject *s, enum md md, struct kd_err *e)
{
	struct pe_digest d = {.md = {md}};
	struct pe pe = {0};

	if (s->kind != &sign_kind_pe)
		return s->kind->hash(fd, s, md, false, e);
	if (!pe_open(fd, &pe, e) || !pe_digest(fd, &pe, &d, e))
		return false;
	memcpy(s->digest, d.digest[0], md_len(md));
	return true;
}

static bool
digest_file(struct client *c, const char *file, enum md md, struct kd_err *e)
{
	AUTO(sign_subject_clear) struct sign_subject s = {0};
	AUTO(buf_clear) struct buf b = {0};
	AUTO(close) int fd = -1;

	if (!file_open_read(file, &fd, NULL, e))
		return false;
	if (!sign_subject_open(fd, file, &s, e) || !digest_subject(fd, &s, md, e))
		return kd_in(e, "'%s'", SHOW(file));
	if (c->json) {
		outcome_json_open(&b, file, true);
		jw_str(&b, "kind", s.kind->name);
		jw_uint(&b, "size", s.size);
		jw_str(&b, "digest_algorithm", md_name(md));
		jw_hex(&b, "digest", s.digest, md_len(md));
		outcome_json_close(&b);
	} else {
		put_line(&b, s.digest, md_len(md), file);
	}
	outcome_print(&c->outcome, &b);
	return true;
}

static void
run(struct client *c, const void *options, char **files, size_t n)
{
	const struct digest_args *a = options;

	for (size_t i = 0; i < n; i++) {
		struct kd_err e = {0};

		if (!digest_file(c, files[i], a->md != MD_NONE ? a->md : MD_SHA256, &e))
			outcome_fail(&c->outcome, files[i], &e);
	}
}

const struct command cmd_digest = {
    .name = "digest",
    .args = "[--digest ALG] FILE...",
    .summary = "print the Authenticode digest",
    .options = digest_rows,
    .options_size = sizeof(struct digest_args),
    .files_min = 1,
    .files_max = SIZE_MAX,
    .run = run,
};
