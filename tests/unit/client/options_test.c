/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/client/options_test.c - the command line, read by tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/md.h"
#include "base/num.h"
#include "client/options.h"

struct values {
	bool flag;
	const char *text;
	struct option_list list;
	uint64_t number, zero, ms;
	enum md md;
};

static const struct option_row rows[] = {
    {"flag", OPTION_FLAG, offsetof(struct values, flag), NULL, "a flag"},
    {"text", OPTION_TEXT, offsetof(struct values, text), "TEXT", "a text"},
    {"list", OPTION_LIST, offsetof(struct values, list), "FILE", "a list"},
    {"number", OPTION_UINT, offsetof(struct values, number), "N", "a number", .min = 1,
	.max = 64},
    {"zero", OPTION_UINT, offsetof(struct values, zero), "N", "from 0 on", .max = 1},
    {"wait", OPTION_DURATION, offsetof(struct values, ms), "DURATION", "a time", .min = 1,
	.max = 3600000},
    {"digest", OPTION_MD, offsetof(struct values, md), "ALG", "an algorithm"},
    {"short", OPTION_FLAG, offsetof(struct values, flag), NULL, "a letter",
	.letter = 's'},
    {0},
};

#define ARGS_MAX 12

struct parsed {
	struct values v;
	char *words[ARGS_MAX + 1];
	size_t words_n;
	int next;
	struct kd_err e;
	bool ok;
};

/* line: arguments separated by '|' */
static struct parsed
parse(const char *line, bool first_word)
{
	static char copy[256];
	struct parsed p = {0};
	const struct option_table tables[] = {{rows, &p.v}, {0}};
	char *argv[ARGS_MAX + 1] = {(char *)(uintptr_t) "kdsign-client"}, *save = NULL;
	int argc = 1;

	assert_true(strlen(line) < sizeof(copy));
	memcpy(copy, line, strlen(line) + 1);
	for (char *w = strtok_r(copy, "|", &save); w != NULL;
	     w = strtok_r(NULL, "|", &save)) {
		assert_true(argc < ARGS_MAX);
		argv[argc++] = w;
	}
	p.ok = options_parse(
	    argc, argv, tables, first_word, p.words, &p.words_n, &p.next, &p.e);
	return p;
}

static void
clear(struct parsed *p)
{
	options_clear(&(struct option_table){rows, &p->v});
}

static void
values_stand_after_a_blank_or_an_equals_sign(void **state)
{
	struct parsed p =
	    parse("--text|a|--number=8|--flag|--wait=30s|--digest|SHA384|f.sys", false);

	(void)state;
	assert_true(p.ok);
	assert_string_equal(p.v.text, "a");
	assert_int_equal(p.v.number, 8);
	assert_int_equal(p.v.ms, 30000);
	assert_int_equal(p.v.md, MD_SHA384);
	assert_true(p.v.flag);
	assert_int_equal(p.words_n, 1);
	assert_string_equal(p.words[0], "f.sys");
	clear(&p);
}

static void
options_and_files_mix_and_lists_grow(void **state)
{
	struct parsed p = parse("a|--list|1|b|--list=2|-|--|--flag|-x", false);

	(void)state;
	assert_true(p.ok);
	assert_int_equal(p.v.list.n, 2);
	assert_string_equal(p.v.list.v[0], "1");
	assert_string_equal(p.v.list.v[1], "2");
	assert_false(p.v.flag);
	assert_int_equal(p.words_n, 5);
	assert_string_equal(p.words[2], "-");
	assert_string_equal(p.words[3], "--flag");
	assert_string_equal(p.words[4], "-x");
	clear(&p);
}

static void
first_word_ends_the_global_options(void **state)
{
	struct parsed p = parse("--text|t|sign|--no-such", true);

	(void)state;
	assert_true(p.ok);
	assert_int_equal(p.words_n, 0);
	assert_int_equal(p.next, 3);
}

static void
a_flag_may_have_a_letter(void **state)
{
	struct parsed p = parse("a|-s|b", false);

	(void)state;
	assert_true(p.ok);
	assert_true(p.v.flag);
	assert_int_equal(p.words_n, 2);
	assert_true(parse("--short", false).v.flag);
	assert_false(parse("-sx", false).ok);
	assert_false(parse("-", false).v.flag);
}

static void
wrong_options_are_usage_errors(void **state)
{
	static const struct {
		const char *line, *msg, *hint;
	} cases[] = {
	    {"--digset=sha1", "'--digset': unknown option", "did you mean '--digest'?"},
	    {"--tex", "'--tex': unknown option", "did you mean '--text'?"},
	    {"-v", "'-v': unknown option",
		"a file of that name is given as './-v', or after '--'"},
	    {"--flag=yes", "'--flag': takes no value, has 'yes'", ""},
	    {"--text", "'--text': needs a value, TEXT", ""},
	    {"--digest=md5",
		"'--digest': 'md5' is no digest algorithm, expected sha1, sha256, sha384 "
		"or sha512",
		""},
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct parsed p = parse(cases[i].line, false);

		assert_false(p.ok);
		assert_int_equal(p.e.code, KD_E_USAGE);
		assert_string_equal(p.e.msg, cases[i].msg);
		if (cases[i].hint[0] != '\0')
			assert_string_equal(p.e.hint, cases[i].hint);
	}
}

static void
numbers_out_of_range_are_usage_errors(void **state)
{
	static const char *const lines[] = {
	    "--number=0",
	    "--number=65",
	    "--number=-1",
	    "--number=x",
	    "--number=",
	    "--wait=30",
	    "--wait=2h",
	    "--wait=s",
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(lines); i++) {
		struct parsed p = parse(lines[i], false);

		assert_false(p.ok);
		assert_int_equal(p.e.code, KD_E_USAGE);
		assert_memory_equal(p.e.msg,
		    lines[i][2] == 'n' ? "'--number': " : "'--wait': ",
		    lines[i][2] == 'n' ? 12 : 10);
	}
}

static void
help_has_a_line_an_option(void **state)
{
	AUTO(buf_clear) struct buf b = {0};

	(void)state;
	options_help(rows, &b);
	assert_non_null(strstr(buf_cstr(&b), "  --digest ALG"));
	assert_non_null(strstr(buf_cstr(&b), "an algorithm\n"));
	assert_non_null(strstr(buf_cstr(&b), "  --short, -s "));
}

static void
one_value_is_given_once(void **state)
{
	static const struct {
		const char *line, *name;
	} cases[] = {
	    {"--text|a|--text|a", "text"},
	    {"--text=a|f.sys|--text=b", "text"},
	    {"--number=1|--number=2", "number"},
	    {"--zero=0|--zero=0", "zero"},
	    {"--wait=30s|--wait=1min", "wait"},
	    {"--digest|sha256|--digest|sha1", "digest"},
	};
	struct parsed p = parse("--flag|--list|a|--flag|--list|b", false);

	assert_true(p.ok);
	assert_int_equal(p.v.list.n, 2);
	clear(&p);
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		char want[64];

		(void)snprintf(
		    want, sizeof(want), "'--%s': is given twice", cases[i].name);
		p = parse(cases[i].line, false);
		assert_false(p.ok);
		assert_int_equal(p.e.code, KD_E_USAGE);
		assert_string_equal(p.e.msg, want);
		clear(&p);
	}
}

/* As options of every command are, before the command and behind it. */
static void
or_the_last_one_counts(void **state)
{
	struct values v = {0};
	const struct option_table tables[] = {{rows, &v, true}, {0}};
	char args[5][16] = {
	    "kdsign-client", "--wait=30s", "--text=a", "--wait=1s", "--text=b"};
	char *argv[] = {args[0], args[1], args[2], args[3], args[4]};
	char *words[KD_ARRAY_LEN(argv)];
	struct kd_err e = {0};
	size_t n;
	int next;

	assert_true(options_parse(5, argv, tables, false, words, &n, &next, &e));
	assert_int_equal(v.ms, 1000);
	assert_string_equal(v.text, "b");
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(values_stand_after_a_blank_or_an_equals_sign),
	    cmocka_unit_test(options_and_files_mix_and_lists_grow),
	    cmocka_unit_test(first_word_ends_the_global_options),
	    cmocka_unit_test(a_flag_may_have_a_letter),
	    cmocka_unit_test(wrong_options_are_usage_errors),
	    cmocka_unit_test(numbers_out_of_range_are_usage_errors),
	    cmocka_unit_test(one_value_is_given_once),
	    cmocka_unit_test(or_the_last_one_counts),
	    cmocka_unit_test(help_has_a_line_an_option),
	};

	return cmocka_run_group_tests_name("client/options", t, NULL, NULL);
}
