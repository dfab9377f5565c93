/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_format.c - a whole file of one format: what must hold for every one of them. */
#include "config.h" /* _GNU_SOURCE: memfd_create */

#include "fuzz/fuzz_format.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define FUZZ_MAY_BE(code) ((code) == KD_E_UNSIGNED)
#include "fuzz/fuzz_file.h"

/* The digest of what is in fd, which this format must open; without its signature it may
 * no longer be told for one of it. */
static void
reopen(const struct format *format, const char *name, int fd, struct format_file *ret,
    uint8_t digest[MD_LEN_MAX])
{
	struct kd_err e = {0};

	ret->format = format;
	require(format->open(fd, name, ret, &e) &&
		format->digest(fd, ret, MD_SHA256, digest, &e));
}

/* What was written has the digest that was signed, and the signature that was put in; and
 * without it, still the same digest. */
static void
check_written(const struct format *format, const char *name, int fd,
    const uint8_t *digest, const uint8_t *der, size_t len)
{
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(format_file_clear) struct format_file bare = {0};
	AUTO(close) int out = memory_file("", 0);
	AUTO(buf_clear) struct buf found = {0};
	uint8_t again[MD_LEN_MAX];
	struct kd_err e = {0};

	reopen(format, name, fd, &f, again);
	require(f.is_signed && memcmp(again, digest, md_len(MD_SHA256)) == 0);
	require(format->signature(fd, &f, &found, &e) && found.len == len &&
		memcmp(found.p, der, len) == 0);
	require(format->embed(fd, &f, NULL, 0, out, &e));
	reopen(format, name, out, &bare, again);
	require(!bare.is_signed && memcmp(again, digest, md_len(MD_SHA256)) == 0);
}

void
fuzz_format(const struct format *format, const char *name, const uint8_t *p, size_t n)
{
	static const uint8_t der[] = {0x30, 3, 1, 2, 3};
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(close) int fd = memory_file(p, n), out = memory_file("", 0);
	AUTO(buf_clear) struct buf found = {0};
	uint8_t digest[MD_LEN_MAX];
	struct kd_err open = {0}, e = {0}, why = {0}, sig = {0};

	if (!judged(format_open(fd, name, &format, 1, &f, &open), &open) ||
	    f.format == NULL)
		return;
	require(format->digest(fd, &f, MD_SHA256, digest, &e));
	if (judged(format->signature(fd, &f, &found, &sig), &sig))
		require(f.is_signed);
	if (format->signable != NULL && !judged(format->signable(fd, &f, &why), &why))
		return;
	require(format->embed(fd, &f, der, sizeof(der), out, &e));
	check_written(format, name, out, digest, der, sizeof(der));
}
