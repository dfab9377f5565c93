/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_msi.c - a whole MSI as the client reads it, libgsf behind our own check. */
#include "config.h" /* _GNU_SOURCE: memfd_create */

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/own.h"
#include "client/msi.h"

#define FUZZ_MAY_BE(code) ((code) == KD_E_UNSIGNED || (code) == KD_E_NOT_VERIFIED)
#include "fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct format *const formats[] = {&format_msi};
	AUTO(close) int fd = memory_file(p, n);
	AUTO(close) int out = memory_file("", 0);
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err open_err = {0}, digest_err = {0}, sig_err = {0}, extra_err = {0},
		      remove_err = {0};
	uint8_t d[MD_LEN_MAX];

	if (!judged(format_open(fd, NULL, formats, 1, &f, &open_err), &open_err) ||
	    f.format == NULL)
		return 0;
	(void)judged(format_msi.digest(fd, &f, MD_SHA256, d, &digest_err), &digest_err);
	(void)judged(format_msi.signature(fd, &f, &b, &sig_err), &sig_err);
	(void)judged(format_msi.extra(fd, &f, MD_SHA256, &extra_err), &extra_err);
	(void)judged(format_msi.embed(fd, &f, NULL, 0, out, &remove_err), &remove_err);
	return 0;
}
