/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/keeper/make_ctl.h - CTLs for tests, of members that are wrong at will. */
#ifndef KD_TEST_MAKE_CTL_H
#define KD_TEST_MAKE_CTL_H
#include "authenticode/cat.h"

struct ctl_member {
	const char *tag;   /* identifier: this text, UTF-16LE and a NUL ... */
	const uint8_t *id; /* ... or these bytes */
	size_t id_len;
	enum md md;             /* of its digest; MD_NONE: it has none */
	const uint8_t *digest;
};
/* Appends one; the builder sorts them, and leaves a second one of an identifier out. */
void make_ctl(
    enum cat_version version, const struct ctl_member *v, size_t n, struct buf *ret);
#endif
