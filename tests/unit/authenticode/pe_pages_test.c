/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/pe_pages_test.c - tables of page hashes that somebody else made:
 * what cannot be one. */
#include "authenticode/pe_pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"

#define ENTRIES 4
static const uint32_t offsets[ENTRIES] = {0, 0x400, 0x1400, 0x1a00};

/* Hashes of 0x11, the last one of zeros. */
static void
make_table(struct buf *b, enum md md)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		uint8_t hash[MD_LEN_MAX];

		memset(hash, i + 1 < ENTRIES ? 0x11 : 0, sizeof(hash));
		buf_u32le(b, offsets[i]);
		buf_add(b, hash, md_len(md));
	}
	assert_false(b->failed);
}

static void
tables_that_pe_pages_makes_pass(void **state)
{
	static const enum md mds[] = {MD_SHA1, MD_SHA256};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(mds); i++) {
		AUTO(buf_clear) struct buf b = {0};
		struct kd_err e = {0};

		make_table(&b, mds[i]);
		assert_true(pe_pages_check(mds[i], b.p, b.len, 0x1a00, &e));
		assert_true(pe_pages_check(mds[i], b.p, b.len, 0x9a00, &e));
		/* 0x19f9 bytes, filled up with zeros by who signs */
		assert_true(pe_pages_check(mds[i], b.p, b.len, 0x19f9, &e));
	}
}

static void
headers_alone_pass(void **state)
{
	uint8_t table[2 * 24] = {[4] = 1};
	struct kd_err e = {0};
	(void)state;

	assert_true(pe_pages_check(MD_SHA1, table, sizeof(table), 0x200, &e));
}

static void
what_is_no_table_is_named(void **state)
{
	static const struct {
		size_t len, at; /* one byte of a table of SHA-256 changed */
		uint8_t value;
		uint64_t size;
		const char *msg;
	} cases[] = {
	    {143, 0, 0, 0x2000,
		"143 bytes are no table of page hashes: needs at least 2 entries of 36 "
		"bytes for sha256"},
	    {36, 0, 0, 0x2000,
		"36 bytes are no table of page hashes: needs at least 2 entries of 36 "
		"bytes for sha256"},
	    {144, 1, 2, 0x2000, "entry 0 is for offset 0x200, expected 0: the headers"},
	    {144, 36 + 1, 0, 0x2000,
		"entry 1 is for offset 0, which does not come after 0"},
	    {144, 36 + 1, 0x14, 0x2000,
		"entry 2 is for offset 0x1400, which does not come after 0x1400"},
	    {144, 36 + 3, 1, 0x2000,
		"entry 1 is for offset 0x1000400; the file has 8192 bytes"},
	    {144, 0, 0, 0x19f8, "entry 3 is for offset 0x1a00; the file has 6648 bytes"},
	    {144, 3 * 36 + 35, 1, 0x2000,
		"entry 3, the last one, has a hash; expected zeros at the end of the last "
		"section"},
	    {108, 0, 0, 0x2000,
		"entry 2, the last one, has a hash; expected zeros at the end of the last "
		"section"},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf b = {0};
		struct kd_err e = {0};

		make_table(&b, MD_SHA256);
		b.p[cases[i].at] = cases[i].value;
		assert_false(
		    pe_pages_check(MD_SHA256, b.p, cases[i].len, cases[i].size, &e));
		assert_string_equal(e.msg, cases[i].msg);
		assert_int_equal(e.code, KD_E_REQUEST);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tables_that_pe_pages_makes_pass),
	    cmocka_unit_test(headers_alone_pass),
	    cmocka_unit_test(what_is_no_table_is_named),
	};

	return cmocka_run_group_tests_name("pe_pages", tests, NULL, NULL);
}
