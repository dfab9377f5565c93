/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_signer_files.c - the two files that a signer reads beside its configuration:
 * PIN and latch. */
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

static char dir[] = "/tmp/kdsign-fuzz.XXXXXX", file[sizeof(dir) + 8];

static void
clean_up(void)
{
	(void)unlink(file);
	(void)rmdir(dir);
}

static void
latch(const uint8_t *p, size_t n)
{
	struct kd_err e = {0};
	bool latched = false;
	struct latch l;
	int fd;

	if (file[0] == '\0') {
		if (mkdtemp(dir) == NULL || atexit(clean_up) != 0)
			abort();
		(void)snprintf(file, sizeof(file), "%s/latch", dir);
	}
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, p, n) != (ssize_t)n || close(fd) != 0)
		abort();
	if (!latch_read(dir, &l, &latched, &e) || !latched)
		abort(); /* whatever it says: it is there */
	for (const char *s = l.serial; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20)
			abort();
	(void)latch_fail(&l, &e);
	if (e.code != KD_E_PIN)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n == 0 || n > 4096)
		return 0;
	if (p[0] == 'p')
		pin(p + 1, n - 1);
	else
		latch(p + 1, n - 1);
	return 0;
}
