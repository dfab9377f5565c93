/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/wire/api_stamp_test.c - what may be stamped, what may not, and the stamp. */
#include "tests/unit/wire/check.h"
#include "wire/api.h"

#define HEX40 "00112233445566778899aabbccddeeff00112233"
#define RFC3161 "\"kind\":\"rfc3161\""
#define SHA1 "\"digest_algorithm\":\"sha1\",\"digest\":\"" HEX40 "\""
#define LEGACY "\"kind\":\"legacy\""

static bool
decode(const char *text, struct api_stamp_request *ret, struct kd_err *e)
{
	return api_stamp_request_decode(text, strlen(text), ret, e);
}

static void
an_imprint_comes_back_in_canonical_form(void **state)
{
	static const char want[] = "{" RFC3161 "," SHA1 "}";
	AUTO(buf_clear) struct buf b = {0};
	struct api_stamp_request r = {0};
	struct kd_err e = {0};

	check_done(decode(" {\"digest\": \"00112233445566778899AABBCCDDEEFF00112233\", "
			  "\"digest_algorithm\":\"sha1\", " RFC3161 "}",
		       &r, &e),
	    &e);
	assert_int_equal(r.kind, API_STAMP_RFC3161);
	assert_int_equal(r.md, MD_SHA1);
	assert_memory_equal(r.digest, "\0\x11\x22\x33", 4);
	api_stamp_request_encode(&r, &b);
	assert_string_equal(buf_cstr(&b), want);
}

static void
a_signature_value_comes_back(void **state)
{
	static const char said[] = "{" LEGACY ",\"signature\":\"AAECAw==\"}";
	AUTO(buf_clear) struct buf b = {0};
	struct api_stamp_request r = {0};
	struct kd_err e = {0};

	check_done(decode(said, &r, &e), &e);
	assert_int_equal(r.kind, API_STAMP_LEGACY);
	assert_int_equal(r.signature_len, 4);
	assert_memory_equal(r.signature, "\0\1\2\3", 4);
	api_stamp_request_encode(&r, &b);
	assert_string_equal(buf_cstr(&b), said);
}

static void
each_wrong_member_is_named(void **state)
{
	static const struct {
		const char *text, *msg;
	} cases[] = {
	    {"{}", "kind: missing"},
	    {"{\"kind\":\"rfc3162\"}",
		"kind: must be 'rfc3161' or 'legacy', is 'rfc3162'"},
	    {"{" RFC3161 "}", "digest_algorithm: missing"},
	    {"{" RFC3161 ",\"digest_algorithm\":\"sha1\"}", "digest: missing"},
	    {"{" RFC3161 ",\"digest_algorithm\":\"md5\",\"digest\":\"00\"}",
		"digest_algorithm: must be sha1, sha256, sha384 or sha512, is 'md5'"},
	    {"{" RFC3161 ",\"digest_algorithm\":\"sha256\",\"digest\":\"" HEX40 "\"}",
		"digest: needs 64 hex digits for sha256, has 40"},
	    {"{" RFC3161 "," SHA1 ",\"signature\":\"AAECAw==\"}",
		"signature: unknown member"},
	    {"{" RFC3161 "," SHA1 ",\"url\":\"http://other.example/\"}",
		"url: unknown member"},
	    {"{" LEGACY "}", "signature: missing"},
	    {"{" LEGACY "," SHA1 ",\"signature\":\"AAECAw==\"}",
		"digest_algorithm: unknown member"},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct api_stamp_request r = {.md = MD_SHA512};
		struct kd_err e = {0};

		check_refusal(
		    decode(cases[i].text, &r, &e), &e, KD_E_REQUEST, cases[i].msg);
		assert_int_equal(r.md, MD_SHA512); /* untouched */
	}
}

static void
a_signature_value_has_a_limit(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	struct api_stamp_request r = {
	    .kind = API_STAMP_LEGACY, .signature_len = API_SIGNATURE_MAX};
	struct api_stamp_request got = {0};
	struct kd_err e = {0};

	api_stamp_request_encode(&r, &b);
	assert_true(b.len < API_STAMP_REQUEST_MAX);
	check_done(decode(buf_cstr(&b), &got, &e), &e);
	assert_int_equal(got.signature_len, API_SIGNATURE_MAX);
	buf_reset(&b);
	buf_str(&b, "{" LEGACY ",\"signature\":\"");
	for (size_t i = 0; i < API_SIGNATURE_MAX / 3 + 2; i++)
		buf_str(&b, "AAAA");
	buf_str(&b, "\"}");
	check_refusal(decode(buf_cstr(&b), &got, &e), &e, KD_E_REQUEST,
	    "signature: needs 4 to 1368 bytes, has 1372");
}

static const struct {
	enum api_stamp_kind kind;
	const char *text;
} answers[] = {
    {API_STAMP_RFC3161, "{\"token\":\"MAA=\"}"},
    {API_STAMP_LEGACY, "{\"countersignature\":\"MAA=\"}"},
};

static void
a_stamp_comes_back(void **state)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(answers); i++) {
		AUTO(api_stamp_answer_clear) struct api_stamp_answer a = {0};
		AUTO(buf_clear) struct buf b = {0};
		struct kd_err e = {0};

		check_done(api_stamp_answer_decode(answers[i].text,
			       strlen(answers[i].text), answers[i].kind, &a, &e),
		    &e);
		assert_int_equal(a.kind, answers[i].kind);
		assert_int_equal(a.len, 2);
		assert_memory_equal(a.der, "\x30\0", 2);
		api_stamp_answer_encode(&a, &b);
		assert_string_equal(buf_cstr(&b), answers[i].text);
	}
}

static void
a_stamp_of_the_other_kind_is_a_breach(void **state)
{
	struct api_stamp_answer a = {0};
	struct kd_err e = {0}, e2 = {0};

	check_refusal(api_stamp_answer_decode(answers[1].text, strlen(answers[1].text),
			  API_STAMP_RFC3161, &a, &e),
	    &e, KD_E_PROTOCOL, "the server's timestamp: token: missing");
	check_refusal(api_stamp_answer_decode(answers[0].text, strlen(answers[0].text),
			  API_STAMP_LEGACY, &a, &e2),
	    &e2, KD_E_PROTOCOL, "the server's timestamp: countersignature: missing");
	assert_null(a.der);
}

static bool
decode_all(struct kd_err *e)
{
	AUTO(api_stamp_answer_clear) struct api_stamp_answer a = {0};
	struct api_stamp_request r;

	return decode("{" LEGACY ",\"signature\":\"AAECAw==\"}", &r, e) &&
	       api_stamp_answer_decode(
		   answers[0].text, strlen(answers[0].text), API_STAMP_RFC3161, &a, e);
}

static void
without_memory_nothing_else_is_said(void **state)
{
	check_every_allocation(decode_all);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(an_imprint_comes_back_in_canonical_form),
	    cmocka_unit_test(a_signature_value_comes_back),
	    cmocka_unit_test(each_wrong_member_is_named),
	    cmocka_unit_test(a_signature_value_has_a_limit),
	    cmocka_unit_test(a_stamp_comes_back),
	    cmocka_unit_test(a_stamp_of_the_other_kind_is_a_breach),
	    cmocka_unit_test(without_memory_nothing_else_is_said),
	};
	return cmocka_run_group_tests_name("api_stamp", t, NULL, NULL);
}
