/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/verify_pages.c - two tables of page hashes: the first page that differs.
 */
#include <stdio.h>
#include <string.h>

#include "authenticode/verify_inner.h"
#include "base/reader.h"
#include "base/text.h"

struct entry {
	uint32_t off;
	const uint8_t *hash; /* borrowed */
};

static struct entry
next(struct rd *r, enum md md)
{
	struct entry e = {.off = rd_u32le(r, "offset of a page")};

	e.hash = rd_bytes(r, md_len(md), "hash of a page");
	return e;
}

static bool
differ(const struct verify_pages *p, size_t number, struct entry said, struct entry right,
    char detail[320])
{
	char seen[2 * MD_LEN_MAX + 1], want[2 * MD_LEN_MAX + 1];

	if (said.off != right.off) {
		(void)snprintf(detail, 320,
		    "entry %zu is for offset 0x%x, the file has a page at 0x%x there",
		    number, said.off, right.off);
		return false;
	}
	text_hex_to(seen, said.hash, md_len(p->md));
	text_hex_to(want, right.hash, md_len(p->md));
	(void)snprintf(detail, 320,
	    "page at offset 0x%x: the table says %s %s, the file has %s", said.off,
	    md_name(p->md), seen, want);
	return false;
}

bool
verify_pages_equal(const struct verify_pages *p, char detail[320])
{
	size_t each = 4 + md_len(p->md), n = p->said_len / each;
	struct rd said = rd_init(p->said, p->said_len);
	struct rd right = rd_init(p->right, p->right_len);

	if (p->said_len % each != 0) {
		(void)snprintf(detail, 320, "table of %zu bytes: no multiple of %zu",
		    p->said_len, each);
		return false;
	}
	for (size_t i = 0; rd_left(&said) >= each && rd_left(&right) >= each; i++) {
		struct entry a = next(&said, p->md), b = next(&right, p->md);

		if (a.off != b.off || memcmp(a.hash, b.hash, md_len(p->md)) != 0)
			return differ(p, i + 1, a, b, detail);
	}
	if (p->said_len != p->right_len) {
		(void)snprintf(detail, 320,
		    "table of %zu entries, the file has pages for %zu", n,
		    p->right_len / each);
		return false;
	}
	(void)snprintf(detail, 320, "%s of %zu pages", md_name(p->md), n - (n > 0));
	return true;
}
