/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/module_check.c - may this PKCS#11 module be loaded: who else could have written it. */
#include "pkcs11/module_check.h"

#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/file.h"
#include "base/own.h"
#include "base/text.h"

#define SHA256_LEN 32
#define CHUNK 65536

AUTO_DEFINE(EVP_MD_CTX, EVP_MD_CTX_free);

/* Who can write the folder can put another file into the module's place. */
static bool
check_folder(const char *path, struct kd_err *e)
{
	AUTO(free) char *folder = realpath(path, NULL);
	char *slash = folder != NULL ? strrchr(folder, '/') : NULL;
	struct stat st;

	if (slash == NULL)
		return kd_fail_errno(e, KD_E_FILE, errno, "'%s'", SHOW(path));
	slash[slash == folder] = '\0'; /* "/" stays */
	if (stat(folder, &st) != 0)
		return kd_fail_errno(e, KD_E_FILE, errno, "'%s'", SHOW(folder));
	if ((st.st_mode & 022) == 0)
		return true;
	return kd_fail(e, KD_E_CONFIG,
	    "'%s': its folder '%s' has mode %04o, which lets others put another file there; "
	    "must be 0755 or less",
	    SHOW(path), SHOW(folder), (unsigned)(st.st_mode & 07777));
}

static bool
hash(int fd, uint8_t ret[SHA256_LEN], struct kd_err *e)
{
	AUTO(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t chunk[CHUNK];
	ssize_t n = 1;
	bool good = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

	while (good && n != 0) {
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno != EINTR)
			return kd_fail_errno(e, KD_E_FILE, errno, "cannot read");
		good = n <= 0 || EVP_DigestUpdate(ctx, chunk, (size_t)n) == 1;
	}
	good = good && EVP_DigestFinal_ex(ctx, ret, NULL) == 1;
	return good || kd_fail(e, KD_E_CRYPTO, "OpenSSL cannot compute a SHA-256");
}

static bool
check_hash(const char *path, const char *sha256, struct kd_err *e)
{
	AUTO(buf_clear) struct buf is_hex = {0};
	uint8_t want[SHA256_LEN], is[SHA256_LEN];
	AUTO(close) int fd = -1;

	if (strlen(sha256) != 2 * sizeof(want) || !text_unhex(sha256, want, sizeof(want), e)) {
		*e = (struct kd_err){0};
		return kd_fail(e, KD_E_CONFIG, "module-sha256 '%s': expected 64 hex digits",
		    SHOW(sha256));
	}
	if (!file_open_read(path, &fd, NULL, e))
		return false;
	if (!hash(fd, is, e))
		return kd_in(e, "'%s'", SHOW(path));
	if (memcmp(is, want, sizeof(is)) == 0)
		return true;
	text_hex(&is_hex, is, sizeof(is));
	return kd_fail(e, KD_E_CONFIG, "'%s': SHA-256 is %s, module-sha256 says another one",
	    SHOW(path), buf_cstr(&is_hex) != NULL ? buf_cstr(&is_hex) : "");
}

/* Our own head: of a module that we could load, class, byte order and machine are these. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

/* One whose end is missing ends who loads it, by SIGBUS. */
static bool
is_whole(int fd, const ElfW(Ehdr) *is, uint64_t size)
{
	struct kd_err ignored = {0};
	ElfW(Phdr) h;

	for (uint64_t i = 0; i < is->e_phnum; i++) {
		if (is->e_phentsize != sizeof(h) ||
		    !file_pread_full(fd, &h, sizeof(h), is->e_phoff + i * sizeof(h), &ignored))
			return false;
		if (h.p_type == PT_LOAD &&
		    (h.p_offset > size || h.p_filesz > size - h.p_offset))
			return false;
	}
	return true;
}

/* What dlopen(3) would not survive or not take, seen without loading it: loading runs it. */
static bool
check_kind(const char *path, struct kd_err *e)
{
	const ElfW(Ehdr) *own = &__ehdr_start;
	struct kd_err ignored = {0};
	AUTO(close) int fd = -1;
	ElfW(Ehdr) is = {0};
	struct stat st;

	if (!file_open_read(path, &fd, &st, e))
		return false;
	if (!file_pread_full(fd, &is, sizeof(is), 0, &ignored) ||
	    memcmp(is.e_ident, ELFMAG, SELFMAG) != 0)
		return kd_fail(e, KD_E_CONFIG, "'%s': is no shared library", SHOW(path));
	if (is.e_ident[EI_CLASS] != own->e_ident[EI_CLASS] ||
	    is.e_ident[EI_DATA] != own->e_ident[EI_DATA] ||
	    is.e_machine != own->e_machine)
		return kd_fail(e, KD_E_CONFIG,
		    "'%s': is for another kind of machine than kdsign-signer", SHOW(path));
	if (is.e_type != ET_DYN)
		return kd_fail(e, KD_E_CONFIG,
		    "'%s': is no shared library, but another ELF file", SHOW(path));
	return is_whole(fd, &is, (uint64_t)st.st_size) ||
	       kd_fail(e, KD_E_CONFIG, "'%s': is a shared library that was cut off",
		   SHOW(path));
}

bool
module_check(const char *path, const char *sha256, struct kd_err *e)
{
	if (path[0] != '/')
		return kd_fail(
		    e, KD_E_CONFIG, "'%s': expected an absolute path", SHOW(path));
	return file_check_private(path, false, e) && check_folder(path, e) &&
	       check_kind(path, e) &&
	       (sha256 == NULL || check_hash(path, sha256, e));
}
