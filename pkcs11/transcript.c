/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/transcript.c - the ceremony's record: written whole, durable, each line chained.
 */
#include "config.h"

#include "pkcs11/transcript.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
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
	struct stat st;

	/* What was reserved and not used. */
	if (t->fd >= 0 && fstat(t->fd, &st) == 0 && ftruncate(t->fd, st.st_size) != 0)
		st.st_size = 0; /* then it stays reserved */
	if (t->fd >= 0)
		(void)close(t->fd);
	transcript_init(t);
}

/* What one line says of its place, against where it stands. */
static bool
check_line(const char *line, size_t n, struct transcript_sum *before, struct kd_err *e)
{
	AUTO(transcript_line_clear) struct transcript_line l = {0};
	bool begin;

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
	begin = strcmp(l.phase, "begin") == 0;
	(void)text_show_str(
	    before->begun, sizeof(before->begun), begin ? l.action : "");
	(void)text_show_str(
	    before->begun_time, sizeof(before->begun_time), begin ? l.time : "");
	return true;
}

static bool
is_line(const char *line, size_t n)
{
	AUTO(transcript_line_clear) struct transcript_line l = {0};
	struct kd_err ignored = {0};

	return transcript_line_parse(line, n, &l, &ignored) || ignored.code == KD_E_NOMEM;
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

		if (end == NULL) {
			s.torn = true;
			*ret = s;
			return kd_fail(e, KD_E_INCONSISTENT,
			    "line %llu: ends without a newline: cut off",
			    (unsigned long long)s.lines + 1);
		}
		if (!check_line(line, len, &s, e) ||
		    !transcript_hash(line, len, s.head, e)) {
			/* A disk may have written a line's end, but not all of it. */
			s.torn = at + len + 1 == n && !is_line(line, len);
			*ret = s;
			return kd_in(e, "line %llu", (unsigned long long)s.lines + 1);
		}
		s.lines++;
		at += len + 1;
		s.whole = at;
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
sync_dir(const char *dir, struct kd_err *e)
{
	AUTO(close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return (fd >= 0 && fsync(fd) == 0) ||
	       kd_fail_errno(e, KD_E_IO, errno, "folder cannot be synced");
}

/* Opened, locked, read. */
static bool
open_file(const char *path, int create, int *ret_fd, struct buf *ret, struct kd_err *e)
{
	AUTO(close)
	int fd = open(path,
	    O_RDWR | O_APPEND | create | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct stat st;

	if (fd < 0)
		return kd_fail_errno(e, KD_E_CONFIG, errno, "cannot be opened");
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return kd_fail(e, KD_E_CONFIG, "not a regular file");
	if (!lock(fd, e) || !file_read_fd(fd, TRANSCRIPT_MAX, ret, e))
		return false;
	*ret_fd = STEAL_FD(fd);
	return true;
}

static bool
make_path(const char *dir, const char *name, struct buf *ret, struct kd_err *e)
{
	ret->max = PATH_MAX;
	buf_printf(ret, "%s/%s", dir, name);
	return (buf_ok(ret, "path", e) && buf_cstr(ret) != NULL) ||
	       kd_fail_nomem(e, "path");
}

bool
transcript_open(const char *dir, struct transcript *t, struct kd_err *e)
{
	AUTO(buf_clear) struct buf path = {0};
	AUTO(buf_clear) struct buf text = {.max = TRANSCRIPT_MAX + 1};
	struct transcript_sum sum = {0};

	if (!make_path(dir, TRANSCRIPT_NAME, &path, e))
		return false;
	if (open_file(buf_cstr(&path), O_CREAT, &t->fd, &text, e) &&
	    transcript_check((const char *)text.p, text.len, NULL, &sum, e) &&
	    (sum.lines > 0 || sync_dir(dir, e))) {
		t->sum = sum;
		return true;
	}
	transcript_close(t);
	(void)kd_in(e, "transcript '%s'", SHOW(buf_cstr(&path)));
	if (e->code == KD_E_INCONSISTENT && sum.torn)
		(void)kd_hint(e,
		    "a power cut leaves half a line: 'kdsign-token transcript --mend' puts it "
		    "aside, on record");
	else if (e->code == KD_E_INCONSISTENT)
		(void)kd_hint(e,
		    "nothing is added to a broken chain: keep the file as it "
		    "is, and give --state another folder");
	return false;
}

/* "ceremony.torn-0123456789abcdef": by its hash, so that doing it twice is doing it once. */
static bool
keep_piece(const char *dir, const void *p, size_t n, struct transcript_piece *ret,
    struct kd_err *e)
{
	AUTO(file_replace_clear) struct file_replace r = {.fd = -1};
	AUTO(buf_clear) struct buf path = {0};

	if (!transcript_hash(p, n, ret->sha256, e))
		return false;
	(void)snprintf(ret->name, sizeof(ret->name), "ceremony.torn-%.16s", ret->sha256);
	return make_path(dir, ret->name, &path, e) &&
	       file_replace_begin(buf_cstr(&path), NULL, &r, e) &&
	       file_write_full(r.fd, p, n, e) && file_replace_commit(&r, true, e);
}

static bool
mend(const char *dir, bool dry, const char *path, struct transcript_piece *ret,
    struct kd_err *e)
{
	AUTO(buf_clear) struct buf text = {.max = TRANSCRIPT_MAX + 1};
	AUTO(close) int fd = -1;
	struct transcript_sum sum = {0};
	struct kd_err broken = {0};

	if (!open_file(path, 0, &fd, &text, e) ||
	    transcript_check((const char *)text.p, text.len, NULL, &sum, &broken))
		return e->code == KD_OK;
	if (!sum.torn) {
		*e = broken;
		return false;
	}
	ret->n = text.len - sum.whole;
	if (dry)
		return true;
	if (!keep_piece(dir, &text.p[sum.whole], ret->n, ret, e))
		return false;
	return (ftruncate(fd, (off_t)sum.whole) == 0 && fsync(fd) == 0) ||
	       kd_fail_errno(e, KD_E_IO, errno, "cannot be cut");
}

bool
transcript_mend(
    const char *dir, bool dry, struct transcript_piece *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf path = {0};

	*ret = (struct transcript_piece){0};
	return make_path(dir, TRANSCRIPT_NAME, &path, e) &&
	       (mend(dir, dry, buf_cstr(&path), ret, e) ||
		   kd_in(e, "transcript '%s'", SHOW(buf_cstr(&path))));
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
	jw_uint(b, "n", t->sum.lines + 1);
	jw_arr_open(b, "people");
	for (size_t i = 0; i < x->people_n; i++)
		jw_str(b, NULL, x->people[i]);
	jw_arr_close(b);
	jw_str(b, "phase", x->phase);
	jw_str(b, "prev", t->sum.head);
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
transcript_reserve(struct transcript *t, struct kd_err *e)
{
	off_t room = (off_t)(TRANSCRIPT_BEGIN_MAX + TRANSCRIPT_LINE_MAX);
	struct stat st;

	if (fstat(t->fd, &st) != 0)
		return kd_fail_errno(e, KD_E_IO, errno, "transcript");
	if (fallocate(t->fd, FALLOC_FL_KEEP_SIZE, st.st_size, room) == 0 ||
	    errno == EOPNOTSUPP || errno == ENOSYS) /* then it cannot be had */
		return true;
	return kd_fail_errno(e, KD_E_IO, errno, "transcript: no room for what is to come");
}

bool
transcript_append(
    struct transcript *t, const struct transcript_entry *entry, struct kd_err *e)
{
	bool begin = strcmp(entry->phase, "begin") == 0;
	AUTO(buf_clear)
	struct buf line = {.max = begin ? TRANSCRIPT_BEGIN_MAX : TRANSCRIPT_LINE_MAX};
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
	t->sum.lines++;
	memcpy(t->sum.head, head, sizeof(t->sum.head));
	return true;
}
