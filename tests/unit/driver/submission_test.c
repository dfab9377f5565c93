/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/driver/submission_test.c - the rules for a submission's cabinet. */
#include "config.h" /* _GNU_SOURCE: asprintf */

#include "driver/submission.h"

#include "driver/oslist.h"
#include "tests/unit/base/test.h"

#define NAMES_MAX 6

/* All that was found, a line each. */
static void
put_found(const struct inf_findings *found, struct buf *ret)
{
	buf_reset(ret);
	for (size_t i = 0; i < found->n; i++)
		buf_printf(ret, "%s%s: %s\n",
		    found->v[i].severity == INF_WARNING ? "warning: " : "",
		    found->v[i].path, found->v[i].text);
	assert_non_null(buf_cstr(ret));
}

static void
layouts_are_judged(void **state)
{
	static const struct {
		const char *names[NAMES_MAX];
		const char *found;
	} cases[] = {
	    {{"A\\a.inf", "A\\a.sys", "A\\a.pdb", "B\\x64\\b.dll", "B\\B.INF"}, ""},
	    {{"A\\a.inf", "A\\x64\\a.sys", "A\\A.PDB"}, ""},
	    {{"A\\a.inf", "A\\a.sys", "B\\a.pdb", "B\\b.inf"},
		"warning: x.cab: no symbols (.pdb) for 'A\\a.sys'\n"},
	    {{"A\\a.inf", "b.inf"},
		"x.cab: 'b.inf' lies at the top of the cabinet, expected in a folder\n"},
	    {{"A\\sub\\a.inf"}, "x.cab: folder 'A' has no INF in it\n"},
	    {{"A\\a.inf", "A\\A.INF"},
		"x.cab: 'A\\A.INF' is there twice, in whatever case\n"},
	    {{"A\\a.inf", "a\\b.inf"},
		"x.cab: folder 'A' is there in several spellings, which are one to "
		"Windows\n"},
	    {{"A\\a.inf", "A\\..\\b"},
		"x.cab: 'A\\..\\b': not a name that Windows takes for a file below a "
		"folder\n"},
	    {{"A#\\a.inf"},
		"x.cab: folder 'A#' has special characters in its name, expected letters, "
		"digits, '_', '-', and '.' or blanks between them\n"},
	    {{NULL}, "x.cab: no file is in it\n"},
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(inf_findings_clear) struct inf_findings found = {0};
		AUTO(buf_clear) struct buf b = {0};
		size_t n = 0;

		while (n < NAMES_MAX && cases[i].names[n] != NULL)
			n++;
		assert_done(submission_check_names(
		    "x.cab", cases[i].names, n, &found, &e));
		put_found(&found, &b);
		assert_string_equal(buf_cstr(&b), cases[i].found);
	}
}

static void
folder_names_are_judged(void **state)
{
	static const struct {
		const char *name;
		size_t errors;
	} cases[] = {{"Hello", 0}, {"hello-driver_2.0 x64", 0},
	    {"A23456789012345678901234567890123456789", 0},
	    {"A234567890123456789012345678901234567890", 1}, {"", 1}, {" a", 1},
	    {"a ", 1}, {"a.", 1}, {"a+b", 1}, {"gr\xc3\xb6\xc3\x9f", 1}, {"a&b", 1}};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(inf_findings_clear) struct inf_findings found = {0};

		assert_done(
		    submission_check_folder("x.cab", cases[i].name, &found, &e));
		assert_int_equal(found.errors, cases[i].errors);
	}
}

static void
architectures_must_be_the_same(void **state)
{
	const struct submission_folder v[] = {{"unknown", 0},
	    {"one", 1u << INF_AMD64 | 1u << INF_ARM64 | 1u << INF_X86},
	    {"two", 1u << INF_AMD64},
	    {"three", 1u << INF_AMD64 | 1u << INF_ARM64 | 1u << INF_X86}};
	AUTO(inf_findings_clear) struct inf_findings found = {0};
	AUTO(buf_clear) struct buf b = {0};

	(void)state;
	assert_done(submission_check_archs(v, 4, &found, &e));
	put_found(&found, &b);
	assert_string_equal(buf_cstr(&b),
	    "two: is for amd64, but 'one' for x86, amd64 and arm64: all packages of a "
	    "submission are for the same architectures\n");
}

static void
architectures_are_those_of_models(void **state)
{
	static const struct {
		const char *models;
		unsigned archs;
	} cases[] = {
	    {"M,NTamd64\n[M.NTamd64]\nd=i,id\n", 1u << INF_AMD64},
	    {"M,NTamd64\n[M]\n[M.NTamd64]\nd=i,id\n", 1u << INF_AMD64},
	    {"M\n[M]\nd=i,id\n", 1u << INF_X86},
	    {"M,NTamd64,NTarm64.10.0\n[M]\nd=i,id\n[M.NTamd64]\nd=i,id\n[M.NTarm64.10.0]\n"
	     "d=i,id\n",
		1u << INF_X86 | 1u << INF_AMD64 | 1u << INF_ARM64},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(inf_package_clear) struct inf_package p = {0};
		AUTO(buf_clear) struct buf path = {0};
		unsigned archs = 0;
		FILE *f;

		buf_printf(&path, "%s/a.inf", (char *)*state);
		f = fopen(buf_cstr(&path), "w");
		assert_non_null(f);
		assert_true(fprintf(f, "[Manufacturer]\nx=%s", cases[i].models) > 0);
		assert_int_equal(fclose(f), 0);
		assert_done(inf_package_open(*state, &p, &e));
		assert_done(submission_archs(&p, &archs, &e));
		assert_int_equal(archs, cases[i].archs);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(layouts_are_judged),
	    cmocka_unit_test(folder_names_are_judged),
	    cmocka_unit_test(architectures_must_be_the_same),
	    cmocka_unit_test_setup_teardown(
		architectures_are_those_of_models, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
