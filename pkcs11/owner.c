/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/owner.c - the token that took the PIN, remembered from one start to the next. */
#include "pkcs11/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/num.h"
#include "base/text.h"
#include "pkcs11/state_dir.h"

#define NEW_NAME OWNER_NAME ".new" /* one signer for each folder, so one name will do */
#define FIRST_LINE "kdsign-signer owner 1"

void
owner_clear(struct owner *o)
{
	buf_clear(&o->text);
	*o = (struct owner){0};
}

void
owner_text(char *dst, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x20 && c < 0x7f && c != '%')
			*dst++ = *s;
		else
			dst += snprintf(dst, 4, "%%%02X", (unsigned)c);
	}
	*dst = '\0';
}

/* Cuts "name value\n" off *at, which then stands behind it; NULL when it is not there. */
static const char *
take_line(char **at, const char *name)
{
	size_t n = strlen(name);
	char *value = *at + n, *end;

	if (strncmp(*at, name, n) != 0 || (end = strchr(value, '\n')) == NULL)
		return NULL;
	*end = '\0';
	*at = end + 1;
	return value;
}

static bool
is_text(const char *s, size_t max)
{
	for (const char *c = s; *c != '\0'; c++)
		if (*c < 0x20 || *c > 0x7e)
			return false;
	return strlen(s) <= max;
}

static bool
parse(struct owner *o)
{
	bool whole = memchr(o->text.p, '\0', o->text.len) == NULL;
	const char *first;
	char *at;

	buf_u8(&o->text, '\0');
	if (o->text.failed || !whole)
		return false;
	at = (char *)o->text.p;
	first = take_line(&at, FIRST_LINE);
	if (first == NULL || *first != '\0' ||
	    (o->module = take_line(&at, "module ")) == NULL ||
	    (o->token = take_line(&at, "token ")) == NULL ||
	    (o->serial = take_line(&at, "token-serial ")) == NULL ||
	    (o->label = take_line(&at, "token-label ")) == NULL)
		return false;
	return *at == '\0' && is_text(o->serial, OWNER_SERIAL_MAX) &&
	       is_text(o->label, OWNER_LABEL_MAX);
}

static bool
read_all(int fd, struct owner *ret, struct kd_err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return kd_fail(e, KD_E_CONFIG, "not a regular file");
	if (!file_read_fd(fd, OWNER_FILE_MAX, &ret->text, e))
		return false;
	return (ret->text.len > 0 && parse(ret)) ||
	       kd_fail(e, KD_E_CONFIG, "damaged");
}

bool
owner_read(const char *dir, struct owner *ret, struct kd_err *e)
{
	AUTO(owner_clear) struct owner o = {0};
	AUTO(close) int dfd = -1;
	AUTO(close) int fd = -1;

	if (!state_dir_open(dir, &dfd, e))
		return false;
	fd = openat(dfd, OWNER_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0)
		(void)kd_fail_errno(e, KD_E_CONFIG, errno, "cannot be opened");
	else if (read_all(fd, &o, e)) {
		*ret = o;
		o = (struct owner){0};
		return true;
	}
	if (e->code != KD_E_NOMEM)
		e->code = KD_E_CONFIG;
	(void)kd_in(e, "'%s/%s' (the token that took the PIN)", SHOW(dir), OWNER_NAME);
	return kd_hint(e, "when the right token is there, kdsign-token pin --config FILE "
			  "forgets what was before");
}

bool
owner_is_of(const struct owner *o, const char *module, const char *token)
{
	return o->serial != NULL && strcmp(o->module, module) == 0 &&
	       strcmp(o->token, token) == 0;
}

static bool
put(int dfd, const struct buf *text, struct kd_err *e)
{
	AUTO(close) int fd = openat(dfd, NEW_NAME,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return kd_fail_errno(e, KD_E_CONFIG, errno, "cannot be made");
	if (!file_write_full(fd, text->p, text->len, e))
		return false;
	return (fsync(fd) == 0 && renameat(dfd, NEW_NAME, dfd, OWNER_NAME) == 0 &&
		   fsync(dfd) == 0) ||
	       kd_fail_errno(e, KD_E_IO, errno, "cannot be replaced");
}

bool
owner_write(const char *dir, const char *module, const char *token, const char *serial,
    const char *label, struct kd_err *e)
{
	AUTO(buf_clear) struct buf text = {.max = OWNER_FILE_MAX};
	AUTO(owner_clear) struct owner is = {0};
	char s[OWNER_SERIAL_MAX + 1], l[OWNER_LABEL_MAX + 1];
	AUTO(close) int dfd = -1;
	struct kd_err ignored = {0};

	owner_text(s, serial);
	owner_text(l, label);
	if (owner_read(dir, &is, &ignored) && owner_is_of(&is, module, token) &&
	    strcmp(is.serial, s) == 0 && strcmp(is.label, l) == 0)
		return true;
	buf_printf(&text,
	    FIRST_LINE "\nmodule %s\ntoken %s\ntoken-serial %s\ntoken-label %s\n", module,
	    token, s, l);
	if (!buf_ok(&text, "owner", e) || !state_dir_open(dir, &dfd, e))
		return false;
	if (put(dfd, &text, e))
		return true;
	(void)unlinkat(dfd, NEW_NAME, 0);
	return kd_in(e, "'%s/%s'", SHOW(dir), OWNER_NAME);
}

bool
owner_forget(const char *dir, struct kd_err *e)
{
	return state_dir_remove(dir, OWNER_NAME, e);
}
