/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/token_lock.c - one signer for one token on this host, whatever their folders. */
#include "pkcs11/token_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/builder.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/text.h"

#define MODULE_HASH_LEN 8 /* of SHA-256: tells modules apart, protects nothing */

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* NAME=VALUE, where a path is the file that it leads to, by whatever links. */
static void
add_variable(struct buf *ret, const char *line)
{
	const char *value = strchr(line, '=');
	AUTO(free) char *real =
	    value != NULL && value[1] == '/' ? realpath(value + 1, NULL) : NULL;

	buf_u8(ret, '\n');
	if (real == NULL) {
		buf_str(ret, line);
		return;
	}
	buf_add(ret, line, (size_t)(value - line) + 1);
	buf_str(ret, real);
}

/* In whatever order they stand in the configuration. */
static bool
add_environment(struct buf *ret, const struct conf_list *l, struct kd_err *e)
{
	AUTO(free) const char **v = kd_alloc_array(l->n + 1, sizeof(*v));

	if (v == NULL)
		return kd_fail_nomem(e, "lock of the token");
	for (size_t i = 0; i < l->n; i++)
		v[i] = l->v[i];
	qsort(v, l->n, sizeof(*v), by_text);
	for (size_t i = 0; i < l->n; i++)
		add_variable(ret, v[i]);
	return true;
}

static bool
add_module(struct buf *ret, const struct signer_conf *conf, struct kd_err *e)
{
	AUTO(buf_clear) struct buf text = {0};
	AUTO(free) char *real = realpath(conf->module, NULL); /* a link is no other module */
	uint8_t hash[EVP_MAX_MD_SIZE];

	buf_str(&text, real != NULL ? real : conf->module);
	if (!add_environment(&text, &conf->module_environment, e))
		return false;
	if (!buf_ok(&text, "lock of the token", e))
		return false;
	if (EVP_Digest(text.p, text.len, hash, NULL, EVP_sha256(), NULL) != 1)
		return kd_fail(e, KD_E_CRYPTO, "OpenSSL cannot compute a SHA-256");
	text_hex(ret, hash, MODULE_HASH_LEN);
	return true;
}

static bool
make_path(char dst[TOKEN_LOCK_PATH_MAX], const char *dir, const struct signer_conf *conf,
    const char *serial, const char *label, struct kd_err *e)
{
	AUTO(buf_clear) struct buf path = {.max = TOKEN_LOCK_PATH_MAX - 1};

	buf_printf(&path, "%s/kdsign-token-", dir);
	text_hex(&path, serial, strlen(serial)); /* a vendor's bytes are no file name */
	buf_str(&path, "-");
	text_hex(&path, label, strlen(label));
	buf_str(&path, "-");
	if (!add_module(&path, conf, e))
		return false;
	if (!buf_ok(&path, "lock of the token", e))
		return false;
	memcpy(dst, path.p, path.len);
	dst[path.len] = '\0';
	return true;
}

/* What a signer of another user has left behind can still be locked: that needs no write. */
static int
open_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

	return fd < 0 && errno == EACCES ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : fd;
}

static bool
fail_held(const char *path, struct kd_err *e)
{
	(void)kd_fail(e, KD_E_CONFIG, "another kdsign-signer on this host serves it");
	return kd_hint(e, "let one signer offer all keys of a token; the lock is '%s'", path);
}

/* In the folder that is not ours to use, by a signer that may use it. */
static bool
check_other(const char *path, struct kd_err *e)
{
	AUTO(close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	return fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0 || fail_held(path, e);
}

/* False with e unset: the file was taken away by its last holder in between. */
static bool
lock_file(const char *path, int *ret, struct kd_err *e)
{
	AUTO(close) int fd = open_file(path);
	struct stat st;

	if (fd < 0)
		return kd_fail_errno(e, KD_E_CONFIG, errno, "'%s'", path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return fail_held(path, e);
	if (fstat(fd, &st) != 0 || st.st_nlink == 0)
		return false;
	*ret = STEAL_FD(fd);
	return true;
}

bool
token_lock_take(struct token_lock *ret, const struct signer_conf *conf,
    const char *serial, const char *label, struct kd_err *e)
{
	bool own = access(TOKEN_LOCK_DIR, W_OK | X_OK) == 0;
	const char *dirs[] = {TOKEN_LOCK_DIR_SHARED, TOKEN_LOCK_DIR};
	struct token_lock l = {.fd = -1};
	char other[TOKEN_LOCK_PATH_MAX];

	if (!make_path(l.path, dirs[own], conf, serial, label, e) ||
	    !make_path(other, dirs[!own], conf, serial, label, e))
		return false;
	if (strcmp(l.path, ret->path) == 0)
		return true;
	while (l.fd < 0 && e->code == KD_OK)
		(void)lock_file(l.path, &l.fd, e);
	if (e->code != KD_OK || !check_other(other, e)) {
		if (l.fd >= 0)
			token_lock_release(&l);
		return kd_in(e, "token '%s' serial '%s'", SHOW(label), SHOW(serial));
	}
	token_lock_release(ret);
	*ret = l;
	return true;
}

void
token_lock_release(struct token_lock *l)
{
	if (l->path[0] == '\0')
		return;
	(void)unlink(l->path); /* held: nobody else's */
	(void)close(l->fd);
	*l = (struct token_lock){0};
}
