/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_signer_files.c - the files that a signer reads beside its configuration: PIN,
 * latch, and which token took the PIN. */
#include "config.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/secret.h"
#include "pkcs11/latch.h"
#include "pkcs11/owner.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
pin(const uint8_t *p, size_t n)
{
	AUTO(secret_free) struct secret *s = NULL;
	AUTO(close) int fd = memfd_create("pin", MFD_CLOEXEC);
	struct kd_err e = {0};

	if (fd < 0 || write(fd, p, n) != (ssize_t)n || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	if (!secret_read_fd(fd, &s, &e)) {
		if (e.code == KD_OK || e.msg[0] == '\0')
			abort();
		if (n > 4 && memmem(e.msg, strlen(e.msg), p, n) != NULL)
			abort(); /* a refusal that shows what it refuses */
		return;
	}
	if (secret_len(s) == 0 || secret_len(s) > SECRET_MAX || secret_len(s) > n ||
	    memcmp(secret_bytes(s), p, secret_len(s)) != 0)
		abort();
}

static char dir[] = "/tmp/kdsign-fuzz.XXXXXX";
static bool made;

static const char *
in_dir(const char *name)
{
	static char path[sizeof(dir) + 8];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
clean_up(void)
{
	(void)unlink(in_dir("latch"));
	(void)unlink(in_dir(OWNER_NAME));
	(void)rmdir(dir);
}

static void
put(const char *name, const uint8_t *p, size_t n)
{
	int fd;

	if (!made && (mkdtemp(dir) == NULL || atexit(clean_up) != 0))
		abort();
	made = true;
	fd = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, p, n) != (ssize_t)n || close(fd) != 0)
		abort();
}

static void
latch(const uint8_t *p, size_t n)
{
	struct kd_err e = {0};
	bool latched = false;
	struct latch l;

	put("latch", p, n);
	if (!latch_read(dir, &l, &latched, &e) || !latched)
		abort(); /* whatever it says: it is there */
	for (const char *s = l.serial; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20)
			abort();
	(void)latch_fail(&l, &e);
	if (e.code != KD_E_PIN)
		abort();
}

/* What is taken is whole, and was written by us: written again it is the same. */
static void
owner(const uint8_t *p, size_t n)
{
	AUTO(owner_clear) struct owner o = {0};
	AUTO(buf_clear) struct buf again = {0};
	struct kd_err e = {0};

	put(OWNER_NAME, p, n);
	if (!owner_read(dir, &o, &e)) {
		if (e.code != KD_E_CONFIG || o.serial != NULL)
			abort();
		return;
	}
	if (o.serial == NULL || strlen(o.serial) > OWNER_SERIAL_MAX ||
	    strlen(o.label) > OWNER_LABEL_MAX || !owner_is_of(&o, o.module, o.token))
		abort(); /* it is there, so somebody has to be remembered */
	buf_printf(&again,
	    "kdsign-signer owner 1\nmodule %s\ntoken %s\ntoken-serial %s\ntoken-label %s\n",
	    o.module, o.token, o.serial, o.label);
	if (again.failed || again.len != n || memcmp(again.p, p, n) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n == 0 || n > 4096)
		return 0;
	if (p[0] == 'p')
		pin(p + 1, n - 1);
	else if (p[0] == 'o')
		owner(p + 1, n - 1);
	else
		latch(p + 1, n - 1);
	return 0;
}
