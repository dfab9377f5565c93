/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/reader_test.c - the bounds check, from every side. */
#include "config.h"

#include "tests/unit/base/test.h"

#include "base/reader.h"

static const uint8_t bytes[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static void
numbers_are_little_endian(void **state)
{
	struct rd r = rd_init(bytes, 15);

	assert_int_equal(rd_u8(&r, "a"), 1);
	assert_int_equal(rd_u16le(&r, "b"), 0x0302);
	assert_int_equal(rd_u32le(&r, "c"), 0x07060504);
	assert_true(rd_u64le(&r, "d") == UINT64_C(0x0f0e0d0c0b0a0908));
	assert_int_equal(rd_left(&r), 0);
	assert_done(rd_end(&r, &e));
}

static void
first_miss_sticks(void **state)
{
	struct rd r = rd_init_at(bytes, 3, 0x40);

	assert_int_equal(rd_u32le(&r, "signature"), 0);
	assert_int_equal(rd_u8(&r, "machine"), 0); /* would have fitted */
	rd_skip(&r, 1, "gap");
	rd_magic(&r, bytes, 1, "magic");
	assert_null(rd_bytes(&r, 0, "nothing"));
	assert_int_equal(rd_left(&r), 0);
	assert_fails(rd_ok(&r, &e), KD_E_FORMAT,
	    "signature at offset 0x40 needs 4 bytes; the data ends at 0x43");
	assert_fails(rd_end(&r, &e), KD_E_FORMAT,
	    "signature at offset 0x40 needs 4 bytes; the data ends at 0x43");
}

static void
magic_that_differs_is_named(void **state)
{
	struct rd r = rd_init_at(bytes, 4, 0x10);

	rd_skip(&r, 1, "x");
	rd_magic(&r, "\2\3", 2, "first magic");
	rd_magic(&r, "MZ", 1, "MZ signature");
	assert_fails(rd_ok(&r, &e), KD_E_FORMAT, "no MZ signature at offset 0x13");
}

static void
magic_that_is_cut_says_so(void **state)
{
	struct rd r = rd_init("M", 1);

	rd_magic(&r, "MZ", 2, "MZ signature");
	assert_fails(rd_ok(&r, &e), KD_E_FORMAT,
	    "MZ signature at offset 0 needs 2 bytes; the data ends at 0x1");
}

static void
sub_view_ends_where_told(void **state)
{
	struct rd r = rd_init_at(bytes, 16, 0x100), s;

	rd_skip(&r, 4, "head");
	s = rd_sub(&r, 4, "part");
	assert_int_equal(rd_u8(&r, "after"), 9);
	assert_int_equal(rd_u32le(&s, "inside"), 0x08070605);
	assert_int_equal(rd_u8(&s, "past"), 0);
	assert_fails(rd_ok(&s, &e), KD_E_FORMAT,
	    "past at offset 0x108 needs 1 bytes; the data ends at 0x108");
	assert_done(rd_ok(&r, &e));
}

static void
sub_view_that_does_not_fit_spoils_both(void **state)
{
	struct rd r = rd_init(bytes, 8), s = rd_sub(&r, 9, "part");

	assert_int_equal(rd_left(&s), 0);
	assert_fails(rd_ok(&s, &e), KD_E_FORMAT,
	    "part at offset 0 needs 9 bytes; the data ends at 0x8");
	assert_fails(rd_ok(&r, &e), KD_E_FORMAT,
	    "part at offset 0 needs 9 bytes; the data ends at 0x8");
}

static void
view_at_an_offset_leaves_the_reader(void **state)
{
	struct rd r = rd_init(bytes, 16), s;

	rd_skip(&r, 10, "head");
	s = rd_at(&r, 2, 3, "early");
	assert_int_equal(rd_u8(&s, "x"), 3);
	assert_int_equal(rd_u8(&r, "y"), 11);
	s = rd_at(&r, 16, 0, "empty at the end");
	assert_done(rd_end(&s, &e));
}

static void
view_outside_is_refused_without_wrapping(void **state)
{
	static const struct {
		size_t off, n;
		const char *msg;
	} cases[] = {
	    {17, 0, "dir at offset 0x11 needs 0 bytes; the data ends at 0x10"},
	    {16, 1, "dir at offset 0x10 needs 1 bytes; the data ends at 0x10"},
	    {8, 9, "dir at offset 0x8 needs 9 bytes; the data ends at 0x10"},
	    {8, SIZE_MAX - 4,
		"dir at offset 0x8 needs 18446744073709551611 bytes; the data ends at "
		"0x10"},
	    {SIZE_MAX, 1,
		"dir at offset 0xffffffffffffffff needs 1 bytes; the data ends at 0x10"},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases) && sizeof(size_t) == 8; i++) {
		struct rd r = rd_init(bytes, 16),
			  s = rd_at(&r, cases[i].off, cases[i].n, "dir");

		assert_fails(rd_ok(&s, &e), KD_E_FORMAT, cases[i].msg);
		assert_int_equal(rd_u8(&s, "x"), 0);
		assert_done(rd_ok(&r, &e));
	}
}

static void
view_of_a_spoilt_reader_is_spoilt(void **state)
{
	struct rd r = rd_init(bytes, 1), s;

	(void)rd_u16le(&r, "head");
	s = rd_at(&r, 0, 1, "dir");
	assert_fails(rd_ok(&s, &e), KD_E_FORMAT,
	    "head at offset 0 needs 2 bytes; the data ends at 0x1");
}

static void
leftover_is_refused(void **state)
{
	struct rd r = rd_init_at(bytes, 3, 0x20);

	assert_int_equal(rd_u8(&r, "x"), 1);
	assert_done(rd_ok(&r, &e));
	assert_fails(rd_end(&r, &e), KD_E_FORMAT, "2 unexpected bytes at offset 0x21");
}

static void
nothing_over_no_memory(void **state)
{
	struct rd r = rd_init(NULL, 0), s;

	assert_non_null(rd_bytes(&r, 0, "none"));
	s = rd_sub(&r, 0, "none");
	assert_done(rd_end(&s, &e));
	assert_done(rd_end(&r, &e));
	assert_int_equal(rd_u8(&r, "one"), 0);
	assert_fails(rd_ok(&r, &e), KD_E_FORMAT,
	    "one at offset 0 needs 1 bytes; the data ends at 0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_are_little_endian),
	    cmocka_unit_test(first_miss_sticks),
	    cmocka_unit_test(magic_that_differs_is_named),
	    cmocka_unit_test(magic_that_is_cut_says_so),
	    cmocka_unit_test(sub_view_ends_where_told),
	    cmocka_unit_test(sub_view_that_does_not_fit_spoils_both),
	    cmocka_unit_test(view_at_an_offset_leaves_the_reader),
	    cmocka_unit_test(view_outside_is_refused_without_wrapping),
	    cmocka_unit_test(view_of_a_spoilt_reader_is_spoilt),
	    cmocka_unit_test(leftover_is_refused),
	    cmocka_unit_test(nothing_over_no_memory),
	};

	return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
