/* SPDX-License-Identifier: Apache-2.0 */
/* cat_tool FILE.cat - what a catalog lists, a line for each thing, but for the identifier
 * and the time that are new in each catalog. Exit 3 and a sentence when it is none. */
#include <stdio.h>

#include "authenticode/cat.h"
#include "base/file.h"
#include "base/text.h"

static const char *const subjects[] = {
    [CAT_FLAT] = "flat", [CAT_PE] = "pe", [CAT_CAB] = "cab", [CAT_OTHER] = "other"};
static const char *const links[] = {[CAT_LINK_EMPTY] = "empty",
    [CAT_LINK_OBSOLETE] = "obsolete",
    [CAT_LINK_PAGES_SHA1] = "pages-sha1",
    [CAT_LINK_PAGES_SHA256] = "pages-sha256",
    [CAT_LINK_CAB] = "cab"};

static void
put_indirect(struct buf *b, const struct cat_indirect *i)
{
	buf_printf(b, "indirect %s link=%s table=", subjects[i->subject], links[i->link]);
	text_hex(b, i->table, i->table_len);
	buf_str(b, " flags=");
	text_hex(b, i->flags, i->flags_len);
	buf_printf(b, " %s=", md_name(i->md));
	text_hex(b, i->digest, md_len(i->md));
}

static void
put_attr(struct buf *b, const struct cat_attr *a)
{
	struct kd_err e = {0};

	buf_str(b, "  ");
	switch (a->kind) {
	case CAT_ATTR_NAME_VALUE:
		if (!text_from_utf16be(a->name_value.name, a->name_value.name_len, b, &e))
			buf_str(b, "(malformed)");
		buf_printf(b, " 0x%08x ", a->name_value.flags);
		text_hex(b, a->name_value.value, a->name_value.value_len);
		break;
	case CAT_ATTR_MEMBER_INFO:
		buf_printf(b, "info %s", subjects[a->subject]);
		break;
	case CAT_ATTR_MEMBER_INFO2:
		buf_printf(b, "info2 %s", subjects[a->subject]);
		break;
	case CAT_ATTR_INDIRECT:
		put_indirect(b, &a->indirect);
		break;
	case CAT_ATTR_OTHER:
		buf_str(b, "other ");
		text_hex(b, a->der, a->der_len);
		break;
	}
	buf_u8(b, '\n');
}

static bool
dump(const struct cat *c, struct buf *b, struct kd_err *e)
{
	struct cat_attr a;
	struct rd r = c->header;

	buf_printf(b, "version %d\nheader\n", (int)c->version);
	while (rd_left(&r) > 0) {
		if (!cat_next_header(&r, &a, e))
			return false;
		put_attr(b, &a);
	}
	for (size_t i = 0; i < c->members_n; i++) {
		buf_str(b, "member ");
		text_hex(b, c->members[i].id, c->members[i].id_len);
		buf_u8(b, '\n');
		r = cat_attrs(&c->members[i]);
		while (rd_left(&r) > 0) {
			if (!cat_next_attr(&r, &a, e))
				return false;
			put_attr(b, &a);
		}
	}
	return buf_ok(b, "dump", e);
}

int
main(int argc, char **argv)
{
	AUTO(buf_clear) struct buf file = {0};
	AUTO(buf_clear) struct buf text = {0};
	AUTO(cat_clear) struct cat c = {0};
	struct kd_err e = {0};

	if (argc != 2)
		return 2;
	if (!file_read_all(argv[1], CAT_LEN_MAX, &file, &e) ||
	    !cat_parse(file.p, file.len, &c, &e) || !dump(&c, &text, &e)) {
		(void)fprintf(stderr, "%s\n", e.msg);
		return 3;
	}
	return fwrite(text.p, 1, text.len, stdout) == text.len ? 0 : 1;
}
