/* SPDX-License-Identifier: Apache-2.0 */
/* base/md.c - the digest algorithms by name and length. */
#include "base/md.h"

#include "base/num.h"
#include "base/text.h"

static const struct {
	const char *name;
	size_t len;
} mds[] = {
    [MD_NONE] = {"none", 0},
    [MD_SHA1] = {"sha1", 20},
    [MD_SHA256] = {"sha256", 32},
    [MD_SHA384] = {"sha384", 48},
    [MD_SHA512] = {"sha512", 64},
};

const char *
md_name(enum md md)
{
	return mds[(unsigned)md < KD_ARRAY_LEN(mds) ? md : MD_NONE].name;
}

size_t
md_len(enum md md)
{
	return mds[(unsigned)md < KD_ARRAY_LEN(mds) ? md : MD_NONE].len;
}

enum md
md_by_name(const char *name)
{
	for (size_t i = MD_SHA1; i < KD_ARRAY_LEN(mds); i++)
		if (text_eq_nocase(name, mds[i].name))
			return (enum md)i;
	return MD_NONE;
}
