/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/client/choice_test.c - exit statuses, thumbprints, which file goes where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/num.h"
#include "client/key_pick.h"
#include "client/outcome.h"
#include "client/sign_plan.h"

static void
the_worst_status_counts_in_the_documented_order(void **state)
{
	static const int order[] = {
	    2, 7, 4, 3, 1, 5, 6, 0}; /* kdsign-client(1) EXIT STATUS */

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(order); i++) {
		for (size_t j = i; j < KD_ARRAY_LEN(order); j++) {
			assert_int_equal(outcome_worse(order[i], order[j]), order[i]);
			assert_int_equal(outcome_worse(order[j], order[i]), order[i]);
		}
	}
}

static void
thumbprints_may_have_blanks_and_colons(void **state)
{
	static const char *const right[] = {
	    "000102030405060708090a0b0c0d0e0f10111213",
	    "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13",
	    " 00010203 04050607 08090A0B 0C0D0E0F 10111213 ",
	};
	uint8_t got[20];

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(right); i++) {
		struct kd_err e = {0};

		memset(got, 0xff, sizeof(got));
		assert_true(key_thumbprint(right[i], got, &e));
		for (uint8_t b = 0; b < 20; b++)
			assert_int_equal(got[b], b);
	}
}

static void
other_thumbprints_are_usage_errors(void **state)
{
	static const struct {
		const char *text, *msg;
	} cases[] = {
	    {"00:01", "'00:01': a SHA-1 thumbprint has 40 hex digits, this 4"},
	    {"", "'': a SHA-1 thumbprint has 40 hex digits, this 0"},
	    {"000102030405060708090a0b0c0d0e0f1011121g",
		"'000102030405060708090a0b0c0d0e0f1011121g': a SHA-1 thumbprint has hex "
		"digits "
		"only"},
	    {"000102030405060708090a0b0c0d0e0f1011121314",
		"'000102030405060708090a0b0c0d0e0f1011121314': a SHA-1 thumbprint has 40 "
		"hex "
		"digits, this 42"},
	};
	uint8_t got[20];

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_err e = {0};

		assert_false(key_thumbprint(cases[i].text, got, &e));
		assert_int_equal(e.code, KD_E_USAGE);
		assert_string_equal(e.msg, cases[i].msg);
	}
}

static char dir[64];

static const char *
at(const char *name)
{
	static char paths[8][128];
	static size_t next;
	char *p = paths[next++ % 8];

	(void)snprintf(p, sizeof(paths[0]), "%s/%s", dir, name);
	return p;
}

static int
set_up(void **state)
{
	static const char *const files[] = {"a.sys", "b.sys"};

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/kdsign-plan.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(mkdir(at("out"), 0700), 0);
	assert_int_equal(mkdir(at("sub"), 0700), 0);
	for (size_t i = 0; i < 2; i++) {
		FILE *f = fopen(at(files[i]), "w");

		assert_non_null(f);
		assert_int_equal(fclose(f), 0);
	}
	assert_int_equal(link(at("a.sys"), at("hard.sys")), 0);
	assert_int_equal(link(at("a.sys"), at("sub/a.sys")), 0);
	assert_int_equal(symlink("a.sys", at("soft.sys")), 0);
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const names[] = {
	    "a.sys",
	    "b.sys",
	    "hard.sys",
	    "soft.sys",
	    "sub/a.sys",
	    "sub",
	    "out",
	    ".",
	};

	(void)state;
	for (size_t i = 0; i + 1 < KD_ARRAY_LEN(names); i++)
		(void)remove(at(names[i]));
	return remove(dir);
}

static bool
plan(const char *const *names, size_t n, const char *output, struct plan *p,
    struct kd_err *e)
{
	char *args[4];

	for (size_t i = 0; i < n; i++)
		args[i] = (char *)(uintptr_t)at(names[i]);
	return plan_make(args, n, output, p, e);
}

static void
one_file_under_two_names_is_planned_once(void **state)
{
	static const char *const names[] = {"a.sys", "soft.sys", "sub/../a.sys"};
	AUTO(plan_clear) struct plan p = {0};
	struct kd_err e = {0};

	(void)state;
	assert_true(plan(names, 3, NULL, &p, &e));
	assert_int_equal(p.n, 1);
	assert_int_equal(p.repeated, 2);
	assert_string_equal(p.v[0].target, at("a.sys"));
}

static void
hard_links_are_files_of_their_own(void **state)
{
	static const char *const names[] = {"a.sys", "hard.sys"};
	AUTO(plan_clear) struct plan p = {0};
	struct kd_err e = {0};

	(void)state;
	assert_true(plan(names, 2, NULL, &p, &e));
	assert_int_equal(p.n, 2);
	assert_string_equal(p.v[1].target, at("hard.sys"));
}

static void
a_missing_file_does_not_stop_the_others(void **state)
{
	static const char *const names[] = {"none.sys", "b.sys"};
	AUTO(plan_clear) struct plan p = {0};
	struct kd_err e = {0};

	(void)state;
	assert_true(plan(names, 2, at("out"), &p, &e));
	assert_int_equal(p.v[0].err.code, KD_E_FILE);
	assert_non_null(strstr(p.v[0].err.msg, "none.sys': No such file or directory"));
	assert_int_equal(p.v[1].err.code, KD_OK);
	assert_string_equal(p.v[1].target, at("out/b.sys"));
}

static void
results_must_not_collide(void **state)
{
	static const char *const two[] = {"a.sys", "b.sys"};
	static const char *const same[] = {"a.sys", "sub/a.sys"};
	AUTO(plan_clear) struct plan p = {0};
	struct kd_err e = {0}, e2 = {0};

	(void)state;
	assert_false(plan(two, 2, at("new.sys"), &p, &e));
	assert_int_equal(e.code, KD_E_USAGE);
	assert_non_null(strstr(e.msg, "is one file for the results of 2"));
	assert_false(plan(same, 2, at("out"), &p, &e2));
	assert_int_equal(e2.code, KD_E_USAGE);
	assert_non_null(strstr(e2.msg, "both results would be"));
	assert_int_equal(p.n, 0);
	assert_true(plan(two, 1, at("new.sys"), &p, &e));
	assert_string_equal(p.v[0].target, at("new.sys"));
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(the_worst_status_counts_in_the_documented_order),
	    cmocka_unit_test(thumbprints_may_have_blanks_and_colons),
	    cmocka_unit_test(other_thumbprints_are_usage_errors),
	    cmocka_unit_test_setup_teardown(
		one_file_under_two_names_is_planned_once, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		hard_links_are_files_of_their_own, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_missing_file_does_not_stop_the_others, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(results_must_not_collide, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("client/choice", t, NULL, NULL);
}
