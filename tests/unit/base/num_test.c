/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/num_test.c - text that is a number, and text that nearly is. */
#include "config.h"

#include "tests/unit/base/test.h"

typedef bool parse_fn(const char *, uint64_t, uint64_t, uint64_t *, struct kd_err *);

static const struct {
	parse_fn *parse;
	const char *text;
	uint64_t min, max, want;
	const char *msg; /* NULL: want is the value */
} cases[] = {
    {kd_parse_u64, "0", 0, 9, 0, NULL},
    {kd_parse_u64, "65535", 0, 65535, 65535, NULL},
    {kd_parse_u64, "18446744073709551615", 0, UINT64_MAX, UINT64_MAX, NULL},
    {kd_parse_u64, "18446744073709551616", 0, UINT64_MAX, 0,
	"'18446744073709551616': not a whole number from 0 to 18446744073709551615"},
    {kd_parse_u64, "99999999999999999999", 0, 9, 0,
	"'99999999999999999999': not a whole number from 0 to 9"},
    {kd_parse_u64, "", 0, 9, 0, "'': not a whole number from 0 to 9"},
    {kd_parse_u64, "10", 0, 9, 0, "'10': not a whole number from 0 to 9"},
    {kd_parse_u64, "1", 2, 9, 0, "'1': not a whole number from 2 to 9"},
    {kd_parse_u64, "01", 0, 9, 0, "'01': not a whole number from 0 to 9"},
    {kd_parse_u64, "+1", 0, 9, 0, "'+1': not a whole number from 0 to 9"},
    {kd_parse_u64, "-1", 0, 9, 0, "'-1': not a whole number from 0 to 9"},
    {kd_parse_u64, " 1", 0, 9, 0, "' 1': not a whole number from 0 to 9"},
    {kd_parse_u64, "1 ", 0, 9, 0, "'1 ': not a whole number from 0 to 9"},
    {kd_parse_u64, "0x1", 0, 9, 0, "'0x1': not a whole number from 0 to 9"},
    {kd_parse_u64, "1\n", 0, 9, 0, "'1\\x0a': not a whole number from 0 to 9"},
    {kd_parse_size, "0", 0, 1, 0, NULL},
    {kd_parse_size, "512", 0, 1024, 512, NULL},
    {kd_parse_size, "4k", 0, 4096, 4096, NULL},
    {kd_parse_size, "4K", 0, 4096, 4096, NULL},
    {kd_parse_size, "32M", 0, UINT64_MAX, 32u << 20, NULL},
    {kd_parse_size, "2G", 0, UINT64_MAX, UINT64_C(2) << 30, NULL},
    {kd_parse_size, "17179869184G", 0, UINT64_MAX, 0,
	"'17179869184G': not a size; write bytes, or a number with k, M or G"},
    {kd_parse_size, "M", 0, 9, 0,
	"'M': not a size; write bytes, or a number with k, M or G"},
    {kd_parse_size, "1MB", 0, 9, 0,
	"'1MB': not a size; write bytes, or a number with k, M or G"},
    {kd_parse_size, "1.5M", 0, 9, 0,
	"'1.5M': not a size; write bytes, or a number with k, M or G"},
    {kd_parse_size, "5k", 0, 4096, 0, "'5k': not from 0 to 4096 bytes"},
    {kd_parse_size, "1", 2, 4096, 0, "'1': not from 2 to 4096 bytes"},
    {kd_parse_duration, "500ms", 0, 1000, 500, NULL},
    {kd_parse_duration, "30s", 0, 30000, 30000, NULL},
    {kd_parse_duration, "5min", 0, UINT64_MAX, 300000, NULL},
    {kd_parse_duration, "2h", 0, UINT64_MAX, 7200000, NULL},
    {kd_parse_duration, "30", 0, 30000, 0,
	"'30': not a duration; write a number with ms, s, min or h"},
    {kd_parse_duration, "30m", 0, 30000, 0,
	"'30m': not a duration; write a number with ms, s, min or h"},
    {kd_parse_duration, "31s", 1, 30000, 0, "'31s': not from 1ms to 30000ms"},
    {kd_parse_duration, "0s", 1, 30000, 0, "'0s': not from 1ms to 30000ms"},
};

static void
every_text_gets_its_value_or_its_sentence(void **state)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		uint64_t v = 4711;

		if (cases[i].msg == NULL) {
			assert_done(cases[i].parse(
			    cases[i].text, cases[i].min, cases[i].max, &v, &e));
			assert_true(v == cases[i].want);
		} else {
			assert_fails(cases[i].parse(cases[i].text, cases[i].min,
					 cases[i].max, &v, &e),
			    KD_E_USAGE, cases[i].msg);
			assert_int_equal(v, 4711);
		}
	}
}

static void
sums_and_products_tell_overflow(void **state)
{
	uint32_t small = 0;
	uint64_t big = 0;

	assert_true(kd_add(&small, UINT32_C(0xfffffffe), 1u));
	assert_int_equal(small, 0xffffffff);
	assert_false(kd_add(&small, UINT32_C(0xffffffff), 1u));
	assert_false(kd_mul(&big, UINT64_C(1) << 63, 2));
	assert_true(kd_mul(&big, UINT64_C(1) << 62, 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_text_gets_its_value_or_its_sentence),
	    cmocka_unit_test(sums_and_products_tell_overflow),
	};

	return cmocka_run_group_tests_name("num", tests, NULL, NULL);
}
