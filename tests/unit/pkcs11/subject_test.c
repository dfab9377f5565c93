/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/pkcs11/subject_test.c - names as people write them, in both forms. */
#include "pkcs11/ceremony_subject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"
#include "base/own.h"

AUTO_DEFINE(X509_NAME, X509_NAME_free);

static void
what_is_read_is_printed_again(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"CN=x", "CN=x"},
	    {"CN=Example Drivers,O=Example\\, Inc.,C=DE",
		"CN=Example Drivers,O=Example\\, Inc.,C=DE"},
	    {" CN = x , O = y ", "CN=x,O=y"},
	    {"CN=\"Example, Inc.\",C=DE", "CN=Example\\, Inc.,C=DE"},
	    {"CN=x;O=y", "CN=x,O=y"},
	    {"CN=a\\2Cb", "CN=a\\,b"},
	    {"CN=\\C3\\A4", "CN=\xc3\xa4"},
	    {"CN=\xc3\xa4", "CN=\xc3\xa4"},
	    {"CN=x\\ ,O=y", "CN=x\\ ,O=y"},
	    {"CN=a\\+b", "CN=a\\+b"},
	    {"CN=a=b", "CN=a=b"},
	    {"2.5.4.3=x", "CN=x"},
	    {"commonName=x,countryName=DE", "CN=x,C=DE"},
	    {"/C=DE/O=Example, Inc./CN=Example Drivers",
		"CN=Example Drivers,O=Example\\, Inc.,C=DE"},
	    {"/CN=a\\/b", "CN=a/b"},
	    {"/CN=\"x\"", "CN=\\\"x\\\""},
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(X509_NAME_free) X509_NAME *name = NULL;
		struct kd_err e = {0};
		char shown[256];

		if (!subject_parse(cases[i].in, &name, &e))
			fail_msg("'%s': %s", cases[i].in, e.msg);
		subject_print(name, shown, sizeof(shown));
		assert_string_equal(shown, cases[i].out);
	}
}

static void
the_last_part_comes_first(void **state)
{
	AUTO(X509_NAME_free) X509_NAME *name = NULL;
	struct kd_err e = {0};

	(void)state;
	assert_true(subject_parse("CN=x,O=y,C=DE", &name, &e));
	assert_int_equal(X509_NAME_get_index_by_NID(name, NID_countryName, -1), 0);
	assert_int_equal(X509_NAME_get_index_by_NID(name, NID_commonName, -1), 2);
}

static void
what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *in, *says;
	} cases[] = {
	    {"", "subject, at '': expected NAME=VALUE"},
	    {"x", "subject, at 'x': expected NAME=VALUE"},
	    {"=x", "subject, at '=x': expected NAME=VALUE"},
	    {"CN=", "subject: 'CN' has no value"},
	    {"CN=x,", "subject, at '': expected NAME=VALUE"},
	    {"CN=x,,O=y", "subject: unknown attribute ',O'"},
	    {"/", "subject, at '': expected NAME=VALUE"},
	    {"/CN=x/", "subject, at '': expected NAME=VALUE"},
	    {"ZZ=x", "subject: unknown attribute 'ZZ'"},
	    {"CN=x+O=y",
		"subject, at '+O=y': several attributes in one part are not supported; "
		"write \\+ for the character"},
	    {"CN=x\\", "subject, at 'x\\': a backslash at the end"},
	    {"CN=\"x", "subject, at '\"x': a quotation mark is not closed"},
	    {"CN=\xff", "subject: the value of 'CN' is not UTF-8"},
	    {"CN=\\00", "subject: the value of 'CN' is not UTF-8"},
	    {"C=GER", "subject: 'C=GER' is no attribute of a name, or too long or short "
		      "for it"},
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		X509_NAME *name = NULL;
		struct kd_err e = {0};

		assert_false(subject_parse(cases[i].in, &name, &e));
		assert_string_equal(e.msg, cases[i].says);
		assert_int_equal(e.code, KD_E_USAGE);
		assert_null(name);
	}
}

static void
too_long_ones_are_refused(void **state)
{
	char text[SUBJECT_LEN_MAX + 8];
	X509_NAME *name = NULL;
	struct kd_err e = {0};

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "CN=", 3);
	text[sizeof(text) - 1] = '\0';
	assert_false(subject_parse(text, &name, &e));
	assert_string_equal(e.msg, "subject: longer than 2048 bytes");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_read_is_printed_again),
	    cmocka_unit_test(the_last_part_comes_first),
	    cmocka_unit_test(what_is_wrong_is_said),
	    cmocka_unit_test(too_long_ones_are_refused),
	};

	return cmocka_run_group_tests_name("subject", tests, NULL, NULL);
}
