/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_cab_data.c - a cabinet's blocks: what they pass as may be unpacked, which
 * libgcab then does. */
#include "config.h" /* _GNU_SOURCE: memfd_create */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "client/temp_dir.h"
#include "driver/cab_data.h"
#include "driver/cab_pack.h"

#include "fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define UNPACK_MAX 1000000 /* more is only looked at, for speed */

/* As cab --check does, but for rules that keep more away. */
static void
unpack(int fd, const struct cab_dir *d)
{
	AUTO(temp_dir_clear) struct temp_dir dir = {0};
	struct kd_err e = {0}, none = {0};
	uint64_t total = 0;

	for (size_t i = 0; i < d->files_n; i++) {
		total += d->files[i].size;
		if (!cab_name_check(d->files[i].name, &none))
			return;
	}
	if (total > UNPACK_MAX || d->files_n > 100)
		return;
	require(temp_dir_enter(&dir, &e));
	(void)!cab_unpack(fd, d, ".", NULL, &e);
	require(e.code == KD_OK || e.msg[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(close) int fd = memory_file(p, n), out = memory_file((const uint8_t *)"", 0);
	AUTO(cab_clear) struct cab c = {0};
	AUTO(cab_dir_clear) struct cab_dir d = {0};
	struct kd_err e = {0};
	bool sums = false;

	if (!judged(cab_open(fd, &c, &e), &e) || !judged(cab_dir_read(fd, &c, &d, &e), &e) ||
	    !judged(cab_data_check(fd, &c, &d, &sums, &e), &e))
		return 0;
	require(cab_data_add_sums(fd, &c, &d, out, &e));
	require(cab_data_check(out, &c, &d, &sums, &e) && sums);
	unpack(out, &d);
	return 0;
}
