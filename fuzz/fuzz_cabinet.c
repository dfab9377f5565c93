/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_cabinet.c - a whole cabinet: opened, hashed, its signature read, a new one put
 * in and read again, and all of it taken out. */
#include "config.h" /* _GNU_SOURCE: memfd_create */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authenticode/format.h"
#include "base/own.h"

#define FUZZ_MAY_BE(code) ((code) == KD_E_UNSIGNED)
#include "fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct format *const formats[] = {&format_cabinet};
static const uint8_t der[] = {0x30, 3, 1, 2, 3};

/* Without its signature the file has the same digest, and can be signed to the same. */
static void
check_removed(int fd, const struct format_file *f, const uint8_t digest[MD_LEN_MAX])
{
	AUTO(close) int out = memory_file((const uint8_t *)"", 0);
	AUTO(format_file_clear) struct format_file plain = {0};
	uint8_t d[MD_LEN_MAX];
	struct kd_err e = {0};

	require(format_cabinet.embed(fd, f, NULL, 0, out, &e));
	require(format_open(out, NULL, formats, 1, &plain, &e) && plain.format != NULL);
	require(!plain.is_signed);
	require(format_cabinet.digest(out, &plain, MD_SHA256, d, &e));
	require(memcmp(d, digest, md_len(MD_SHA256)) == 0);
}

static void
check_written(int fd, const uint8_t digest[MD_LEN_MAX])
{
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(buf_clear) struct buf sig = {0};
	uint8_t d[MD_LEN_MAX];
	struct kd_err e = {0};

	require(format_open(fd, NULL, formats, 1, &f, &e) && f.format != NULL);
	require(f.is_signed && format_cabinet.digest(fd, &f, MD_SHA256, d, &e) &&
		format_cabinet.signature(fd, &f, &sig, &e));
	require(memcmp(d, digest, md_len(MD_SHA256)) == 0);
	require(sig.len == sizeof(der) && memcmp(sig.p, der, sizeof(der)) == 0);
	check_removed(fd, &f, digest);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(close) int fd = memory_file(p, n), out = memory_file((const uint8_t *)"", 0);
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(buf_clear) struct buf sig = {0};
	uint8_t digest[MD_LEN_MAX];
	struct kd_err open_err = {0}, digest_err = {0}, sig_err = {0}, embed_err = {0};

	if (!judged(format_open(fd, NULL, formats, 1, &f, &open_err), &open_err) ||
	    f.format == NULL)
		return 0;
	if (!judged(format_cabinet.digest(fd, &f, MD_SHA256, digest, &digest_err),
		&digest_err))
		return 0;
	(void)judged(format_cabinet.signature(fd, &f, &sig, &sig_err), &sig_err);
	require(f.is_signed || sig_err.code == KD_E_UNSIGNED);
	require(judged(format_cabinet.embed(fd, &f, der, sizeof(der), out, &embed_err),
	    &embed_err));
	check_written(out, digest);
	return 0;
}
