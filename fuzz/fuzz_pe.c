/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_pe.c - a whole PE file: opened, hashed, its table read, a new one put in, and
 * that read again. */
#include "config.h" /* _GNU_SOURCE: memfd_create */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authenticode/efi_check.h"
#include "authenticode/pe_embed.h"
#include "base/own.h"

#define FUZZ_MAY_BE(code) ((code) == KD_E_UNSIGNED)
#include "fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What was written is a PE image with the digest that was signed, one entry, and a right
 * CheckSum. */
static void
check_written(
    int fd, const struct pe_digest *signed_digest, const uint8_t *der, size_t der_len)
{
	AUTO(pe_certs_clear) struct pe_certs certs = {0};
	struct pe pe;
	struct pe_digest d = {.md = {MD_SHA256}};
	struct kd_err e = {0};

	require(pe_open(fd, &pe, &e) && pe_digest(fd, &pe, &d, &e) &&
		pe_certs_read(fd, &pe, &certs, &e));
	require(memcmp(d.digest[0], signed_digest->digest[0], md_len(MD_SHA256)) == 0);
	require(pe.checksum == d.checksum && pe.trailing == 0 && pe.mapped_table == 0);
	require(certs.n == 1 && certs.v[0].len == der_len &&
		memcmp(certs.v[0].p, der, der_len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t der[] = {0x30, 3, 1, 2, 3};
	AUTO(close) int fd = memory_file(p, n), out = memory_file((const uint8_t *)"", 0);
	AUTO(pe_certs_clear) struct pe_certs certs = {0};
	struct pe pe;
	struct pe_digest d = {.md = {MD_SHA256}};
	struct efi_report efi = {0};
	struct kd_err open_err = {0}, efi_err = {0}, certs_err = {0}, embed_err = {0};

	if (!judged(pe_open(fd, &pe, &open_err), &open_err))
		return 0;
	require(pe_digest(fd, &pe, &d, &open_err));
	require(!judged(efi_check(fd, &pe, &efi, &efi_err), &efi_err) || efi.n >= 7);
	(void)judged(pe_certs_read(fd, &pe, &certs, &certs_err), &certs_err);
	if (judged(pe_embed(fd, &pe, &d, der, sizeof(der), out, &embed_err), &embed_err))
		check_written(out, &d, der, sizeof(der));
	return 0;
}
