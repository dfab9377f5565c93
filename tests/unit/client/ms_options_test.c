/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/client/ms_options_test.c - command lines as Microsoft's tools have them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"
#include "client/ms_options.h"

struct values {
	bool v;
	const char *t;
	struct option_list ac;
	struct ms_uint ds;
};

static const struct ms_row rows[] = {
    {"v", MS_FLAG, offsetof(struct values, v), NULL, "verbose"},
    {"t", MS_TEXT, offsetof(struct values, t), "URL", "timestamp"},
    {"ac", MS_LIST, offsetof(struct values, ac), "FILE", "certificate"},
    {"ds", MS_UINT, offsetof(struct values, ds), "INDEX", "one signature"},
    {"sm", MS_IGNORED, 0, NULL, "machine store"},
    {"s", MS_IGNORED, 0, "NAME", "store"},
    {"p", MS_REFUSED, 0, "PASSWORD", "The key is at the service."},
    {0},
};

#define ARGS_MAX 12

struct parsed {
	struct values v;
	char *list[ARGS_MAX + 1];
	struct ms_words words;
	struct kd_err e;
	bool ok;
};

/* line: arguments separated by '|' */
static void
parse(const char *line, struct parsed *p)
{
	static char copy[256];
	char *argv[ARGS_MAX + 1] = {(char *)(uintptr_t) "sign"}, *save = NULL;
	int argc = 1;

	*p = (struct parsed){0};
	assert_true(strlen(line) < sizeof(copy));
	memcpy(copy, line, strlen(line) + 1);
	for (char *w = strtok_r(copy, "|", &save); w != NULL;
	     w = strtok_r(NULL, "|", &save)) {
		assert_true(argc < ARGS_MAX);
		argv[argc++] = w;
	}
	p->words.v = p->list;
	p->ok = ms_parse(argc, argv, rows, &p->v, &p->words, &p->e);
}

static void
clear(struct parsed *p)
{
	ms_rows_clear(rows, &p->v);
	option_list_clear(&p->words.ignored);
}

static void
slash_and_dash_and_any_case_are_the_same(void **state)
{
	static const char *const lines[] = {"/v|/t|http://x/|/ac|a.cer|/DS|1|a.sys",
	    "-V|-T|http://x/|-AC|a.cer|-ds|1|a.sys",
	    "a.sys|/ac|a.cer|/t|http://x/|/ds|1|/v"};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(lines); i++) {
		struct parsed p;

		parse(lines[i], &p);
		assert_true(p.ok);
		assert_true(p.v.v);
		assert_string_equal(p.v.t, "http://x/");
		assert_int_equal(p.v.ac.n, 1);
		assert_string_equal(p.v.ac.v[0], "a.cer");
		assert_true(p.v.ds.given);
		assert_int_equal(p.v.ds.v, 1);
		assert_int_equal(p.words.n, 1);
		assert_string_equal(p.words.v[0], "a.sys");
		assert_false(p.words.help);
		clear(&p);
	}
}

static void
a_value_may_look_like_an_option_and_lists_grow(void **state)
{
	struct parsed p;

	(void)state;
	parse("/t|/v|/ac|1|/ac|2|/s|MY|/sm|x", &p);
	assert_true(p.ok);
	assert_string_equal(p.v.t, "/v");
	assert_false(p.v.v);
	assert_int_equal(p.v.ac.n, 2);
	assert_int_equal(p.words.ignored.n, 2);
	assert_string_equal(p.words.ignored.v[0], "s");
	assert_string_equal(p.words.ignored.v[1], "sm");
	assert_int_equal(p.words.n, 1);
	clear(&p);
}

static void
paths_from_the_root_are_files(void **state)
{
	struct parsed p;

	(void)state;
	parse("/no/such/file.sys|/etc|/v|--|/v|-x", &p);
	assert_true(p.ok);
	assert_true(p.v.v);
	assert_int_equal(p.words.n, 4);
	assert_string_equal(p.words.v[0], "/no/such/file.sys");
	assert_string_equal(p.words.v[1], "/etc"); /* is there */
	assert_string_equal(p.words.v[2], "/v");
	assert_string_equal(p.words.v[3], "-x");
	clear(&p);
}

static void
help_may_be_asked_for_in_several_ways(void **state)
{
	static const char *const lines[] = {"/?", "-?", "--help", "/HELP", "x|/v|/?"};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(lines); i++) {
		struct parsed p;

		parse(lines[i], &p);
		assert_true(p.ok);
		assert_true(p.words.help);
		clear(&p);
	}
}

static void
wrong_options_are_said_as_signtool_does(void **state)
{
	static const struct {
		const char *line, *msg, *hint;
	} cases[] = {
	    {"/xx", "Invalid option: /xx", ""},
	    {"--verbose", "Invalid option: --verbose", ""},
	    {"-", "Invalid option: -", ""},
	    {"/", "Invalid option: /", ""},
	    {"a|/t", "The /t option requires a parameter, URL.", ""},
	    {"/P|secret|a", "The /p option is not available here.",
		"The key is at the service."},
	    {"/p", "The /p option is not available here.", "The key is at the service."},
	    {"/ds|one", "/ds: 'one': not a number", ""},
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct parsed p;

		parse(cases[i].line, &p);
		assert_false(p.ok);
		assert_int_equal(p.e.code, KD_E_USAGE);
		if (i < 7)
			assert_string_equal(p.e.msg, cases[i].msg);
		else
			assert_memory_equal(p.e.msg, "/ds: ", 5);
		assert_string_equal(p.e.hint, cases[i].hint);
		clear(&p);
	}
}

static void
help_has_a_line_an_option(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	const char *ignored, *refused;

	(void)state;
	ms_help(rows, &b);
	assert_non_null(strstr(buf_cstr(&b), "  /t URL "));
	ignored = strstr(buf_cstr(&b), "(ignored) store\n");
	refused = strstr(buf_cstr(&b), "(not here) The key is at the service.\n");
	assert_non_null(ignored);
	assert_non_null(refused);
	assert_true(ignored < refused);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(slash_and_dash_and_any_case_are_the_same),
	    cmocka_unit_test(a_value_may_look_like_an_option_and_lists_grow),
	    cmocka_unit_test(paths_from_the_root_are_files),
	    cmocka_unit_test(help_may_be_asked_for_in_several_ways),
	    cmocka_unit_test(wrong_options_are_said_as_signtool_does),
	    cmocka_unit_test(help_has_a_line_an_option),
	};

	return cmocka_run_group_tests_name("client/ms_options", t, NULL, NULL);
}
