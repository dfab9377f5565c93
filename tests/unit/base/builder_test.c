/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/builder_test.c - bytes in order, within the bound, or a failure that
 * sticks. */
#include "config.h"

#include "tests/unit/base/test.h"

static void
appends_in_order(void **state)
{
	AUTO(buf_clear) struct buf b = {0};

	buf_u8(&b, 1);
	buf_u16le(&b, 0x0302);
	buf_u32le(&b, 0x07060504);
	buf_u64le(&b, UINT64_C(0x0f0e0d0c0b0a0908));
	buf_zero(&b, 2);
	buf_str(&b, "ab");
	buf_printf(&b, "%d-%s", 42, "x");
	buf_add(&b, "", 0);
	buf_patch_u32le(&b, 15, 0x44434241);
	assert_done(buf_ok(&b, "test", &e));
	assert_int_equal(b.len, 23);
	assert_memory_equal(b.p,
	    "\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf"
	    "ABCD42-x",
	    23);
}

static void
text_view_is_terminated(void **state)
{
	AUTO(buf_clear) struct buf b = {.max = 3};

	assert_string_equal(buf_cstr(&b), "");
	buf_str(&b, "abc"); /* as long as the bound: the NUL comes on top */
	assert_string_equal(buf_cstr(&b), "abc");
	assert_int_equal(b.len, 3);
}

static void
bound_is_exact_and_sticks(void **state)
{
	AUTO(buf_clear) struct buf b = {.max = 4};

	buf_str(&b, "abcd");
	assert_done(buf_ok(&b, "name", &e));
	buf_u8(&b, 1);
	buf_add(&b, "", 0);
	assert_null(buf_reserve(&b, 0));
	assert_null(buf_cstr(&b));
	assert_fails(buf_ok(&b, "name", &e), KD_E_TOO_LARGE, "name: larger than 4 bytes");
	buf_reset(&b);
	assert_done(buf_ok(&b, "name", &e));
	buf_printf(&b, "%s", "12345");
	assert_fails(buf_ok(&b, "name", &e), KD_E_TOO_LARGE, "name: larger than 4 bytes");
	buf_clear(&b);
	assert_int_equal(b.max, 4);
	assert_done(buf_ok(&b, "name", &e));
}

static void
huge_sizes_do_not_wrap(void **state)
{
	AUTO(buf_clear) struct buf b = {0};

	buf_u8(&b, 1);
	assert_null(buf_reserve(&b, SIZE_MAX));
	assert_fails(
	    buf_ok(&b, "file", &e), KD_E_TOO_LARGE, "file: larger than 268435456 bytes");
}

static void
out_of_memory_sticks(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	size_t taken = 1;

	kd_alloc_fail_at(0);
	buf_str(&b, "x");
	kd_alloc_fail_at(-1);
	buf_str(&b, "y");
	assert_fails(buf_ok(&b, "answer", &e), KD_E_NOMEM, "answer: out of memory");
	assert_null(buf_take(&b, &taken));
	assert_int_equal(taken, 1);
}

static void
patch_outside_fails(void **state)
{
	static const size_t offsets[] = {1, 4, 5, SIZE_MAX - 2};

	for (size_t i = 0; i < KD_ARRAY_LEN(offsets); i++) {
		AUTO(buf_clear) struct buf b = {0};

		buf_u32le(&b, 7);
		buf_patch_u32le(&b, offsets[i], 0);
		assert_true(b.failed);
		assert_int_equal(b.p[0], 7);
	}
}

static void
front_is_dropped(void **state)
{
	AUTO(buf_clear) struct buf b = {0};

	buf_drop_front(&b, 1);
	buf_str(&b, "abcdef");
	buf_drop_front(&b, 0);
	buf_drop_front(&b, 2);
	assert_string_equal(buf_cstr(&b), "cdef");
	buf_drop_front(&b, 5);
	assert_int_equal(b.len, 0);
}

static void
bytes_move_out(void **state)
{
	struct buf b = {.max = 100};
	size_t n = 0;
	AUTO(free) uint8_t *p = NULL;

	assert_null(buf_take(&b, &n));
	buf_str(&b, "mine");
	p = buf_take(&b, &n);
	assert_int_equal(n, 4);
	assert_memory_equal(p, "mine", 4);
	assert_null(b.p);
	assert_int_equal(b.len, 0);
	assert_int_equal(b.max, 100);
}

static void
growth_keeps_the_content(void **state)
{
	AUTO(buf_clear) struct buf b = {.max = 100000};

	for (unsigned i = 0; i < 100000; i++)
		buf_u8(&b, (uint8_t)(i * 7));
	assert_done(buf_ok(&b, "bytes", &e));
	assert_true(b.cap <= 100001);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(b.p[i], (uint8_t)(i * 7));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(appends_in_order),
	    cmocka_unit_test(text_view_is_terminated),
	    cmocka_unit_test(bound_is_exact_and_sticks),
	    cmocka_unit_test(huge_sizes_do_not_wrap),
	    cmocka_unit_test(out_of_memory_sticks),
	    cmocka_unit_test(patch_outside_fails),
	    cmocka_unit_test(front_is_dropped),
	    cmocka_unit_test(bytes_move_out),
	    cmocka_unit_test(growth_keeps_the_content),
	};

	return cmocka_run_group_tests_name("builder", tests, NULL, NULL);
}
