/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/pkcs11/uri_test.c - RFC 7512 URIs: what is taken, what is refused in which
 * words. */
#include "pkcs11/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"

static void
a_token_is_named_by_four_attributes(void **state)
{
	struct kd_err e = {0};
	struct uri u;

	assert_true(
	    uri_parse("pkcs11:token=My%20Token;serial=00ff;manufacturer=ACME;model=M1",
		URI_TOKEN, &u, &e));
	assert_string_equal(u.label, "My Token");
	assert_string_equal(u.serial, "00ff");
	assert_string_equal(u.manufacturer, "ACME");
	assert_string_equal(u.model, "M1");
	assert_false(u.has_id);
}

static void
a_key_is_named_by_object_and_id(void **state)
{
	struct kd_err e = {0};
	struct uri u;

	assert_true(
	    uri_parse("pkcs11:object=a%3bb;id=%00%01x;type=private", URI_KEY, &u, &e));
	assert_string_equal(u.object, "a;b");
	assert_true(u.has_id);
	assert_int_equal(u.id_len, 3);
	assert_memory_equal(u.id, "\0\1x", 3);
}

static void
an_attribute_not_given_matches_anything(void **state)
{
	const struct uri_token t = {.label = "kd",
	    .manufacturer = "SoftHSM project",
	    .serial = "1234",
	    .model = "SoftHSM v2"};
	static const struct {
		const char *uri;
		bool matches;
	} cases[] = {
	    {"pkcs11:", true},
	    {"pkcs11:token=kd", true},
	    {"pkcs11:token=k", false},
	    {"pkcs11:token=kd;serial=1234", true},
	    {"pkcs11:token=kd;serial=12345", false},
	    {"pkcs11:manufacturer=SoftHSM%20project", true},
	    {"pkcs11:model=softhsm%20v2", false},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_err e = {0};
		struct uri u;

		assert_true(uri_parse(cases[i].uri, URI_TOKEN, &u, &e));
		assert_int_equal(uri_matches_token(&u, &t), cases[i].matches);
	}
}

static void
what_may_not_stand_in_it_is_refused_by_name(void **state)
{
	static const struct {
		const char *uri;
		enum uri_kind kind;
		const char *msg;
	} cases[] = {
	    {"pkcs11:token=t?pin-value=1234", URI_TOKEN,
		"pin-value and pin-source are not allowed here"},
	    {"pkcs11:token=t?pin-source=file:/etc/pin", URI_TOKEN,
		"pin-value and pin-source are not allowed here"},
	    {"pkcs11:token=t?module-path=/lib/x.so", URI_TOKEN,
		"module and library attributes are not allowed here; "
		"the module is named by 'module'"},
	    {"pkcs11:library-manufacturer=x", URI_TOKEN,
		"module and library attributes are not allowed here; "
		"the module is named by 'module'"},
	    {"pkcs11:slot-id=1", URI_TOKEN,
		"slot attributes are not allowed here: a slot's number changes; "
		"name the token by its serial or label"},
	    {"pkcs11:tokn=t", URI_TOKEN,
		"holds an attribute that is unknown or longer than allowed (RFC 7512 "
		"2.3)"},
	    {"pkcs11:token=abcdefghijklmnopqrstuvwxyzabcdefghi", URI_TOKEN,
		"holds an attribute that is unknown or longer than allowed (RFC 7512 "
		"2.3)"},
	    {"pkcs11:token=t;object=k", URI_TOKEN,
		"names an object (object, id or type); expected a token only"},
	    {"pkcs11:token=t", URI_KEY, "names no key; expected object=... or id=..."},
	    {"pkcs11:object=k;type=public", URI_KEY,
		"type is not private; only private keys can sign"},
	    {"pkcs11:object=a%00b", URI_KEY, "object holds a NUL"},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_err e = {0};
		struct uri u = {.label = "untouched"};

		assert_false(uri_parse(cases[i].uri, cases[i].kind, &u, &e));
		assert_string_equal(e.msg, cases[i].msg);
		assert_int_equal(e.code, KD_E_CONFIG);
		assert_string_equal(u.label, "untouched");
	}
}

static void
what_is_no_uri_is_refused(void **state)
{
	static const char *const cases[] = {
	    "", "token=t", "http://x", "pkcs11:token=%zz", "pkcs11:object"};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_err e = {0};
		struct uri u;

		assert_false(uri_parse(cases[i], URI_TOKEN, &u, &e));
		assert_int_equal(e.code, KD_E_CONFIG);
		assert_non_null(strstr(e.msg, "not a PKCS#11 URI: "));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_token_is_named_by_four_attributes),
	    cmocka_unit_test(a_key_is_named_by_object_and_id),
	    cmocka_unit_test(an_attribute_not_given_matches_anything),
	    cmocka_unit_test(what_may_not_stand_in_it_is_refused_by_name),
	    cmocka_unit_test(what_is_no_uri_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
