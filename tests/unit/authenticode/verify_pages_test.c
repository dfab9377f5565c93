/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/verify_pages_test.c - tables of page hashes: what differs first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "authenticode/verify_inner.h"
#include "base/num.h"

#define ENTRY (4 + 20)

/* n entries for pages at 0, 0x1000, 0x2000 ...; the hashes are of one byte each. */
static void
make(uint8_t *table, size_t n)
{
	memset(table, 0, n * ENTRY);
	for (size_t i = 0; i < n; i++) {
		table[i * ENTRY + 1] = (uint8_t)(i << 4);
		memset(&table[i * ENTRY + 4], (int)i + 1, 20);
	}
}

static void
first_difference_is_named(void **state)
{
	static const struct {
		size_t said_len, change;
		uint8_t by;
		bool equal;
		const char *detail;
	} cases[] = {
	    {4 * ENTRY, 0, 0, true, "sha1 of 3 pages"},
	    {4 * ENTRY, 2 * ENTRY + 4, 0x80, false,
		"page at offset 0x2000: the table says sha1 "
		"8303030303030303030303030303030303030303, the file has "
		"0303030303030303030303030303030303030303"},
	    {4 * ENTRY, ENTRY + 1, 0x40, false,
		"entry 2 is for offset 0x5000, the file has a page at 0x1000 there"},
	    {3 * ENTRY, 0, 0, false, "table of 3 entries, the file has pages for 4"},
	    {5 * ENTRY, 0, 0, false, "table of 5 entries, the file has pages for 4"},
	    {4 * ENTRY - 1, 0, 0, false, "table of 95 bytes: no multiple of 24"},
	    {0, 0, 0, false, "table of 0 entries, the file has pages for 4"},
	};
	uint8_t said[5 * ENTRY], right[4 * ENTRY];
	(void)state;

	make(right, 4);
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct verify_pages p = {MD_SHA1, said, right, cases[i].said_len,
		    sizeof(right)};
		char detail[320] = "";

		make(said, 5);
		said[cases[i].change] ^= cases[i].by;
		assert_int_equal(verify_pages_equal(&p, detail), cases[i].equal);
		assert_string_equal(detail, cases[i].detail);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(first_difference_is_named),
	};

	return cmocka_run_group_tests_name("verify_pages", tests, NULL, NULL);
}
