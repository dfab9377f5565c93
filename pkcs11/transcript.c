/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/transcript.c - the ceremony's record: written whole, durable, each line chained.
 */
#include "pkcs11/transcript.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "pkcs11/transcript_line.h"

static const char zeros[TRANSCRIPT_HASH_LEN + 1] =
    "0000000000000000000000000000000000000000000000000000000000000000";

bool
transcript_hash(
    const void *p, size_t n, char ret[TRANSCRIPT_HASH_LEN + 1], struct kd_err *e)
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (EVP_Digest(p, n, md, &len, EVP_sha256(), NULL) != 1 ||
	    len * 2 != TRANSCRIPT_HASH_LEN)
		return kd_fail(e, KD_E_CRYPTO, "OpenSSL cannot compute SHA-256");
	text_hex_to(ret, md, len);
	return true;
}

void
transcript_init(struct transcript *t)
{
	*t = (struct transcript){.fd = -1};
}

void
transcript_close(struct transcript *t)
{
	if (t->fd >= 0)
		(void)close(t->fd);
	transcript_init(t);
}

/* What one line says of its place, against where it stands. */
static bool
check_line(
    const char *line, size_t n, const struct transcript_sum *before, struct kd_err *e)
{
	AUTO(transcript_line_clear) struct transcript_line l = {0};

	if (n > TRANSCRIPT_LINE_MAX)
		return kd_fail(e, KD_E_INCONSISTENT, "%zu bytes, at most %zu are written",
		    n, TRANSCRIPT_LINE_MAX);
	if (!transcript_line_parse(line, n, &l, e)) {
		if (e->code != KD_E_NOMEM)
			e->code = KD_E_INCONSISTENT;
		return false;
	}
	if (l.n != before->lines + 1)
		return kd_fail(e, KD_E_INCONSISTENT,
		    "says that it is number %llu: a line was taken out, put in or moved",
		    (unsigned long long)l.n);
	if (strcmp(l.prev, before->head) != 0)
		return kd_fail(e, KD_E_INCONSISTENT,
		    "names %.16s... as the hash of the line before, which has %.16s...: "
		    "that line was changed, or this one put in",
		    SHOW(l.prev), before->head);
	return true;
}

bool
transcript_check(const char *text, size_t n, const char *want, struct transcript_sum *ret,
    struct kd_err *e)
{
	struct transcript_sum s = {0};
	size_t at = 0;

	memcpy(s.head, zeros, sizeof(s.head));
	while (at < n) {
		const char *line = &text[at];
		const char *end = memchr(line, '\n', n - at);
		size_t len = end != NULL ? (size_t)(end - line) : 0;

		if (end == NULL)
			return kd_fail(e, KD_E_INCONSISTENT,
			    "line %llu: ends without a newline: cut off",
			    (unsigned long long)s.lines + 1);
		if (!check_line(line, len, &s, e) ||
		    !transcript_hash(line, len, s.head, e))
			return kd_in(e, "line %llu", (unsigned long long)s.lines + 1);
		s.lines++;
		at += len + 1;
		if (want != NULL && text_eq_nocase(want, s.head))
			s.found = s.lines;
	}
	*ret = s;
	return true;
}

static bool
lock(int fd, struct kd_err *e)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (errno == EWOULDBLOCK)
		return kd_fail(
		    e, KD_E_CONFIG, "another kdsign-token is writing to it right now");
	return kd_fail_errno(e, KD_E_CONFIG, errno, "cannot be locked");
}

static bool
sync_new(const char *dir, struct kd_err *e)
{
	AUTO(close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return (fd >= 0 && fsync(fd) == 0) ||
	       kd_fail_errno(e, KD_E_IO, errno, "folder cannot be synced");
}

static bool
open_file(const char *path, const char *dir, struct transcript *t, struct kd_err *e)
{
	AUTO(buf_clear) struct buf text = {.max = TRANSCRIPT_MAX + 1};
	struct transcript_sum sum;
	struct stat st;

	t->fd = open(path,
	    O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (t->fd < 0)
		return kd_fail_errno(e, KD_E_CONFIG, errno, "cannot be opened");
	if (fstat(t->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return kd_fail(e, KD_E_CONFIG, "not a regular file");
	if (!lock(t->fd, e) || !file_read_fd(t->fd, TRANSCRIPT_MAX, &text, e) ||
	    !transcript_check((const char *)text.p, text.len, NULL, &sum, e))
		return false;
	t->lines = sum.lines;
	memcpy(t->head, sum.head, sizeof(t->head));
	return sum.lines > 0 || sync_new(dir, e);
}

bool
transcript_open(const char *dir, struct transcript *t, struct kd_err *e)
{
	AUTO(buf_clear) struct buf path = {.max = 4096};

	buf_printf(&path, "%s/%s", dir, TRANSCRIPT_NAME);
	if (!buf_ok(&path, "path", e) || buf_cstr(&path) == NULL)
		return kd_fail_nomem(e, "path");
	if (open_file(buf_cstr(&path), dir, t, e))
		return true;
	transcript_close(t);
	(void)kd_in(e, "transcript '%s'", SHOW(buf_cstr(&path)));
	if (e->code == KD_E_INCONSISTENT)
		(void)kd_hint(e,
		    "nothing is added to a broken chain: keep the file as it "
		    "is, and give --state another folder");
	return false;
}

static const char *
or_empty(const char *s)
{
	return s != NULL ? s : "";
}

static void
put_token(struct buf *b, const struct transcript_entry *x)
{
	jw_open_member(b, "token");
	jw_str(b, "label", or_empty(x->token_label));
	jw_str(b, "manufacturer", or_empty(x->token_manufacturer));
	jw_str(b, "model", or_empty(x->token_model));
	jw_str(b, "serial", or_empty(x->token_serial));
	jw_close(b);
}

static void
put_entry(struct buf *b, const struct transcript *t, const struct transcript_entry *x)
{
	struct utsname host = {0};
	char now[CLOCK_UTC_LEN];

	(void)uname(&host);
	clock_utc(now, clock_unix_ms());
	jw_open(b);
	jw_str(b, "action", x->action);
	if (x->facts != NULL) {
		jw_json(b, "facts", x->facts);
	} else {
		jw_arr_open(b, "facts");
		jw_arr_close(b);
	}
	jw_str(b, "host", host.nodename);
	jw_open_member(b, "key");
	jw_str(b, "id", x->key_id);
	jw_str(b, "label", x->key_label);
	jw_str(b, "spki_sha256", x->key_spki_sha256);
	jw_close(b);
	jw_uint(b, "n", t->lines + 1);
	jw_arr_open(b, "people");
	for (size_t i = 0; i < x->people_n; i++)
		jw_str(b, NULL, x->people[i]);
	jw_arr_close(b);
	jw_str(b, "phase", x->phase);
	jw_str(b, "prev", t->head);
	jw_str(b, "result", or_empty(x->result));
	jw_str(b, "time", now);
	put_token(b, x);
	jw_str(b, "tool", or_empty(x->tool));
	jw_uint(b, "uid", getuid());
	jw_close(b);
}

/* One write: either the line is there, or the file is cut back to what it was. */
static bool
write_line(struct transcript *t, const struct buf *line, struct kd_err *e)
{
	struct stat st;

	if (fstat(t->fd, &st) != 0)
		return kd_fail_errno(e, KD_E_IO, errno, "transcript");
	if (file_write_full(t->fd, line->p, line->len, e) && fdatasync(t->fd) == 0)
		return true;
	if (e->code == KD_OK)
		(void)kd_fail_errno(e, KD_E_IO, errno, "fdatasync");
	if (ftruncate(t->fd, st.st_size) != 0)
		(void)kd_in(e, "half a line may be left");
	return kd_in(e, "transcript");
}

bool
transcript_append(
    struct transcript *t, const struct transcript_entry *entry, struct kd_err *e)
{
	AUTO(buf_clear) struct buf line = {.max = TRANSCRIPT_LINE_MAX};
	AUTO(transcript_line_clear) struct transcript_line back = {0};
	char head[TRANSCRIPT_HASH_LEN + 1];

	put_entry(&line, t, entry);
	if (!buf_ok(&line, "line of the transcript", e) ||
	    !transcript_line_parse((const char *)line.p, line.len, &back, e) ||
	    !transcript_hash(line.p, line.len, head, e))
		return kd_in(e, "transcript");
	buf_u8(&line, '\n');
	if (!buf_ok(&line, "line of the transcript", e) || !write_line(t, &line, e))
		return false;
	t->lines++;
	memcpy(t->head, head, sizeof(t->head));
	return true;
}
