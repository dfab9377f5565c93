/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/driver/oslist_test.c - Inf2Cat's names of Windows versions. */
#include "driver/oslist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"

static const struct {
	const char *list, *tokens, *versions;
	enum cat_version version;
} lists[] = {
    {"10_X64", "_v100_X64", "2:10.0", CAT_V2},
    {"10_x64,7_X86,7_x86", "7X86,_v100_X64", "2:6.1,2:10.0", CAT_V1},
    {"6_3_X64,10_VB_ARM64", "_v63_X64,_v100_ARM64_Vb", "2:6.3,2:10.0", CAT_V2},
    {"10_NI_X64,10_CO_X64,10_GE_X64", "_v100_X64_21H2,_v100_X64_22H2,_v100_X64_24H2",
	"2:10.0", CAT_V2},
    {"XP_X64", "XPX64", "2:5.1,2:5.2", CAT_V1},
    {"Server8_X64,Server2003_IA64,2000", "2000,Server2003IA64,Server2012X64",
	"2:5.00,2:5.2,2:6.2", CAT_V1},
    {"8_ARM,XP_X86,Vista_X86", "XPX86,VistaX86,8ARM", "2:5.1,2:6.0,2:6.2", CAT_V1},
};

static void
lists_become_tokens_in_inf2cats_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(lists); i++) {
		AUTO(buf_clear) struct buf tokens = {0};
		AUTO(buf_clear) struct buf versions = {0};
		struct oslist l = {0};
		struct kd_err e = {0};

		if (!oslist_parse(lists[i].list, &l, &e))
			fail_msg("%s", e.msg);
		oslist_put_tokens(&l, INF_ARCHS_ALL, &tokens);
		oslist_put_versions(&l, INF_ARCHS_ALL, &versions);
		assert_string_equal(buf_cstr(&tokens), lists[i].tokens);
		assert_string_equal(buf_cstr(&versions), lists[i].versions);
		assert_int_equal(oslist_version(&l), lists[i].version);
	}
}

static void
an_architecture_has_its_own_part(void **state)
{
	AUTO(buf_clear) struct buf tokens = {0};
	AUTO(buf_clear) struct buf versions = {0};
	struct oslist l = {0};
	struct kd_err e = {0};

	(void)state;
	assert_true(oslist_parse("7_X86,XP_X64,10_X64,10_RS3_ARM64", &l, &e));
	assert_int_equal(oslist_archs(&l), 1u << INF_X86 | 1u << INF_AMD64 | 1u << INF_ARM64);
	oslist_put_tokens(&l, 1u << INF_AMD64, &tokens);
	oslist_put_versions(&l, 1u << INF_AMD64, &versions);
	assert_string_equal(buf_cstr(&tokens), "XPX64,_v100_X64");
	assert_string_equal(buf_cstr(&versions), "2:5.1,2:5.2,2:10.0");
	assert_true(oslist_reaches(&l, 6, 1));
	assert_true(oslist_reaches(&l, 10, 0));
	assert_false(oslist_reaches(&l, 10, 1));
}

static const struct {
	const char *list, *message, *hint;
} refusals[] = {
    {"10_X46", "'10_X46': unknown version of Windows", "did you mean '10_X86'?"},
    {"", "expected names of Windows versions, separated by commas, not ''", ""},
    {"10_X64,", "expected names of Windows versions, separated by commas, not ''", ""},
    {"10_X64, 7_X64", "' 7_X64': unknown version of Windows", "did you mean '7_X64'?"},
    {"everything", "'everything': unknown version of Windows",
	"names are such as 10_X64, 7_X86 and Server2016_X64, separated by commas"},
};

static void
what_is_no_list_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(refusals); i++) {
		struct oslist l = {{7, 7}};
		struct kd_err e = {0};

		assert_false(oslist_parse(refusals[i].list, &l, &e));
		assert_int_equal(e.code, KD_E_USAGE);
		assert_string_equal(e.msg, refusals[i].message);
		assert_string_equal(e.hint, refusals[i].hint);
		assert_int_equal(l.rows[0], 7);
	}
}

static void
every_name_in_the_help_is_known(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	size_t n = 0;

	(void)state;
	oslist_help(&b);
	for (char *line = (char *)buf_cstr(&b), *end; *line != '\0'; line = end + 1) {
		struct oslist l = {0};
		struct kd_err e = {0};

		end = strchr(line, '\n');
		*end = '\0';
		if (!oslist_parse(line + 2, &l, &e))
			fail_msg("%s", e.msg);
		assert_int_equal(l.rows[n / 64], UINT64_C(1) << (n % 64));
		n++;
	}
	assert_int_equal(n, 61);
}

static void
decorations_begin_with_an_architecture(void **state)
{
	enum inf_arch a = INF_ARM;

	(void)state;
	assert_true(inf_arch_of("NTamd64.10.0...16299", &a));
	assert_int_equal(a, INF_AMD64);
	assert_true(inf_arch_of("ntARM64", &a));
	assert_int_equal(a, INF_ARM64);
	assert_false(inf_arch_of("NT", &a));
	assert_false(inf_arch_of("NT.6.0", &a));
	assert_false(inf_arch_of("NTamd", &a));
	assert_false(inf_arch_of("amd64", &a));
	assert_false(inf_arch_of("", &a));
	assert_int_equal(a, INF_ARM64);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lists_become_tokens_in_inf2cats_order),
	    cmocka_unit_test(an_architecture_has_its_own_part),
	    cmocka_unit_test(what_is_no_list_is_refused),
	    cmocka_unit_test(every_name_in_the_help_is_known),
	    cmocka_unit_test(decorations_begin_with_an_architecture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
