/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/mem_test.c - allocation that fails when told to, and on overflow. */
#include "config.h"

#include "tests/unit/base/test.h"

static void
memory_is_zeroed_and_copied(void **state)
{
	AUTO(free) unsigned char *p = kd_alloc(64);
	AUTO(free) uint32_t *a = kd_alloc_array(16, 4);
	AUTO(free) char *s = kd_strdup("kdsign");
	AUTO(free) char *m = kd_memdup("a\0b", 3);

	for (size_t i = 0; i < 64; i++)
		assert_int_equal(p[i] | a[i / 4], 0);
	assert_string_equal(s, "kdsign");
	assert_memory_equal(m, "a\0b", 3);
}

static void
nothing_is_a_valid_pointer(void **state)
{
	AUTO(free) void *a = kd_alloc(0);
	AUTO(free) void *b = kd_alloc_array(0, 8);
	AUTO(free) void *c = kd_memdup(NULL, 0);
	void *d = kd_realloc_array(kd_alloc(8), 0, 8);

	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
	assert_non_null(d); /* realloc(p, 0) would have freed it */
	free(d);
}

static void
overflow_is_refused(void **state)
{
	AUTO(free) char *p = kd_strdup("kept");

	assert_null(kd_alloc_array(SIZE_MAX / 2, 3));
	assert_null(kd_realloc_array(p, SIZE_MAX / 2, 3));
	assert_string_equal(p, "kept");
}

static void
failure_starts_at_the_nth_and_lasts(void **state)
{
	void *p[3];

	kd_alloc_fail_at(2);
	for (size_t i = 0; i < 3; i++)
		p[i] = kd_alloc(1);
	assert_non_null(p[0]);
	assert_non_null(p[1]);
	assert_null(p[2]);
	assert_null(kd_alloc_array(1, 1));
	assert_null(kd_strdup("x"));
	assert_null(kd_memdup("x", 1));
	assert_null(kd_realloc_array(p[0], 2, 1));
	kd_alloc_fail_at(-1);
	free(p[0]);
	free(p[1]);
	p[2] = kd_alloc(1);
	assert_non_null(p[2]);
	free(p[2]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(memory_is_zeroed_and_copied),
	    cmocka_unit_test(nothing_is_a_valid_pointer),
	    cmocka_unit_test(overflow_is_refused),
	    cmocka_unit_test(failure_starts_at_the_nth_and_lasts),
	};

	return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
