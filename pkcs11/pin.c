/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/pin.c - where the PIN comes from: never argv, environment or configuration. */
#include "pkcs11/pin.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#define CREDENTIAL "pin" /* LoadCredential=pin:... in the unit */

/* The path to read, or NULL when there is none. */
static const char *
pin_path(const struct pin_source *src, char buf[PATH_MAX])
{
	const char *dir;
	int n;

	if (src->file != NULL)
		return src->file;
	dir = getenv("CREDENTIALS_DIRECTORY");
	if (dir == NULL || dir[0] != '/')
		return NULL;
	n = snprintf(buf, PATH_MAX, "%s/%s", dir, CREDENTIAL);
	return n > 0 && n < PATH_MAX ? buf : NULL;
}

bool
pin_load(struct pin_source *src, struct secret **ret, struct kd_err *e)
{
	char buf[PATH_MAX];
	const char *path;

	if (src->fd >= 0) {
		bool done = secret_read_fd(src->fd, ret, e);

		(void)close(src->fd);
		src->fd = PIN_FD_READ;
		return done || kd_in(e, "--pin-fd");
	}
	path = pin_path(src, buf);
	if (path == NULL) {
		(void)kd_fail(e, KD_E_CONFIG, "no PIN: nothing says where to read it");
		return kd_hint(e, "set pin-file, give the unit LoadCredential=pin:FILE, "
				  "or start with --pin-fd N");
	}
	return secret_read_file(path, ret, e);
}

bool
pin_check(const struct pin_source *src, struct kd_err *e)
{
	char buf[PATH_MAX];
	const char *path = src->fd >= 0 ? NULL : pin_path(src, buf);

	return path == NULL || file_check_private(path, true, e);
}

bool
pin_can_reload(const struct pin_source *src)
{
	char buf[PATH_MAX];
	const char *path = src->fd == PIN_FD_READ ? NULL : pin_path(src, buf);

	return path != NULL && access(path, R_OK) == 0;
}

bool
pin_needs_root(const struct pin_source *src)
{
	char buf[PATH_MAX];
	const char *path = src->fd >= 0 ? NULL : pin_path(src, buf);
	struct stat st;

	return path != NULL && geteuid() == 0 && stat(path, &st) == 0 && st.st_uid == 0;
}
