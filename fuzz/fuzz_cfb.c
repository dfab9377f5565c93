/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_cfb.c - a compound file: checked, its facts hashed, streams put in and taken out,
 * and that checked again. */
#include "config.h" /* _GNU_SOURCE: memfd_create */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authenticode/cfb_edit.h"
#include "authenticode/msi_digest.h"
#include "base/own.h"

#include "fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static uint64_t
length(int fd)
{
	struct stat st;

	require(fstat(fd, &st) == 0);
	return (uint64_t)st.st_size;
}

static void
facts(const struct cfb *c, uint8_t ret[MD_LEN_MAX])
{
	struct kd_err e = {0};

	require(msi_digest_ex(c, MD_SHA256, ret, &e));
}

/* With a short and a long stream, or without them. A changed file is as good as the first. */
static bool
change(int fd, const uint8_t want[MD_LEN_MAX], const uint8_t *data, int out)
{
	const struct cfb_stream v[2] = {
	    {msi_signature_name, sizeof(msi_signature_name), data, 5000},
	    {msi_signature_ex_name, sizeof(msi_signature_ex_name), data, 32}};
	AUTO(cfb_clear) struct cfb c = {0}, again = {0};
	struct kd_err e = {0}, edit_err = {0};
	uint8_t got[MD_LEN_MAX];
	uint32_t id;

	require(cfb_open(fd, length(fd), &c, &e));
	if (!judged(cfb_edit(fd, &c, v, 2, out, &edit_err), &edit_err))
		return false;
	require(cfb_open(out, length(out), &again, &e));
	facts(&again, got);
	require(memcmp(got, want, 32) == 0);
	id = cfb_find(&again, 0, msi_signature_name, sizeof(msi_signature_name));
	require((id != CFB_NONE) == (data != NULL));
	require(id == CFB_NONE || again.v[id].size == 5000);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t data[5000] = {1};
	AUTO(close) int fd = memory_file(p, n), out = memory_file(p, 0);
	AUTO(close) int back = memory_file(p, 0);
	AUTO(cfb_clear) struct cfb c = {0};
	struct kd_err e = {0};
	uint8_t want[MD_LEN_MAX];

	if (!judged(cfb_open(fd, n, &c, &e), &e))
		return 0;
	facts(&c, want);
	if (change(fd, want, data, out))
		require(change(out, want, NULL, back));
	return 0;
}
