/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/wire/api_answer_test.c - what servers answer, and how a client takes it. */
#include "tests/unit/wire/check.h"
#include "wire/api.h"

#define ID "\"id\":\"build-0123456789\",\"key\":\"driver-2026\""
#define FROM_SERVER "the server's answer: "
#define FROM_LIST "the server's list of keys: "
#define FROM_READY "the server's readiness: "
#define FROM_PROBLEM "the server's problem: "

struct refusal {
	const char *text, *msg;
};

static const char answer_text[] =
    "{" ID ",\"items\":[{\"status\":\"signed\",\"cms\":\"MAA=\"},{\"status\":\"refused\","
    "\"error\":{\"code\":\"not_granted\",\"detail\":\"no \\\"grant\\\"\"}},"
    "{\"status\":\"failed\",\"error\":{\"code\":\"token_timeout\",\"detail\":\"\"}},"
    "{\"status\":\"pending\"}]}";

static bool
decode_answer(const char *text, struct api_sign_answer *ret, struct kd_err *e)
{
	return api_sign_answer_decode(text, strlen(text), ret, e);
}

static void
answer_comes_back_whole(void **state)
{
	AUTO(api_sign_answer_clear) struct api_sign_answer a = {0};
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0};

	check_done(decode_answer(answer_text, &a, &e), &e);
	assert_string_equal(a.id, "build-0123456789");
	assert_string_equal(a.key, "driver-2026");
	assert_int_equal(a.items_n, 4);
	assert_int_equal(a.items[0].status, API_SIGNED);
	assert_int_equal(a.items[0].cms_len, 2);
	assert_memory_equal(a.items[0].cms, "\x30\0", 2);
	assert_null(a.items[0].detail);
	assert_int_equal(a.items[1].status, API_REFUSED);
	assert_int_equal(a.items[1].code, KD_E_DENIED);
	assert_string_equal(a.items[1].detail, "no \"grant\"");
	assert_int_equal(a.items[2].status, API_FAILED);
	assert_int_equal(a.items[2].code, KD_E_TOKEN_TIMEOUT);
	assert_int_equal(a.items[3].status, API_PENDING);
	api_sign_answer_encode(&a, &b);
	assert_string_equal(buf_cstr(&b), answer_text);
}

static void
newer_servers_may_say_more(void **state)
{
	static const char text[] = "{" ID ",\"log\":{},\"items\":[{\"status\":\"signed\","
				   "\"cms\":\"MAA=\",\"proof\":[]},"
				   "{\"status\":\"failed\",\"error\":{\"code\":\"quota\","
				   "\"detail\":\"d\",\"more\":1}}]}";
	AUTO(api_sign_answer_clear) struct api_sign_answer a = {0};
	struct kd_err e = {0};

	check_done(decode_answer(text, &a, &e), &e);
	assert_int_equal(a.items[1].code, KD_E_BUG); /* a code of tomorrow */
	assert_string_equal(a.items[1].detail, "d");
}

#define ITEM(item) "{" ID ",\"items\":[" item "]}"
static const struct refusal wrong_answers[] = {
    {"", FROM_SERVER "line 1 column 1: the text is empty"},
    {"[]", FROM_SERVER "the document: needs an object, is an array"},
    {"{}", FROM_SERVER "id: missing"},
    {"{\"id\":\"build-0123456789\"}", FROM_SERVER "key: missing"},
    {"{" ID "}", FROM_SERVER "items: missing"},
    {"{" ID ",\"items\":[]}", FROM_SERVER "items: 0 elements, at least 1 needed"},
    {ITEM("7"), FROM_SERVER "items[0]: needs an object, is a whole number"},
    {ITEM("{}"), FROM_SERVER "items[0].status: missing"},
    {ITEM("{\"status\":\"done\"}"), FROM_SERVER
	"items[0].status: must be signed, refused, failed or pending, is 'done'"},
    {ITEM("{\"status\":\"signed\"}"),
	FROM_SERVER "items[0].cms: missing, though the item is signed"},
    {ITEM("{\"status\":\"signed\",\"cms\":\"\"}"),
	FROM_SERVER "items[0].cms: needs 4 to 23767724 bytes, has 0"},
    {ITEM("{\"status\":\"signed\",\"cms\":\"MAA\"}"),
	FROM_SERVER "items[0].cms: needs 4 to 23767724 bytes, has 3"},
    {ITEM("{\"status\":\"signed\",\"cms\":7}"),
	FROM_SERVER "items[0].cms: needs a string, is a whole number"},
    {ITEM("{\"status\":\"failed\"}"), FROM_SERVER "items[0].error: missing"},
    {ITEM("{\"status\":\"failed\",\"error\":{}}"),
	FROM_SERVER "items[0].error.code: missing"},
    {ITEM("{\"status\":\"failed\",\"error\":{\"code\":\"x\"}}"),
	FROM_SERVER "items[0].error.detail: missing"},
};

static void
wrong_answers_are_refused(void **state)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(wrong_answers); i++) {
		struct api_sign_answer a = {.items_n = 7};
		struct kd_err e = {0};

		check_refusal(decode_answer(wrong_answers[i].text, &a, &e), &e,
		    KD_E_PROTOCOL, wrong_answers[i].msg);
		assert_int_equal(a.items_n, 7);
	}
}

static void
base64_must_be_base64(void **state)
{
	AUTO(api_sign_answer_clear) struct api_sign_answer a = {0};
	struct kd_err e = {0};

	assert_false(
	    decode_answer(ITEM("{\"status\":\"signed\",\"cms\":\"MA A\"}"), &a, &e));
	assert_int_equal(e.code, KD_E_PROTOCOL);
	assert_int_equal(strncmp(e.msg, FROM_SERVER "items[0].cms: ", 34), 0);
}

#define CUSTODY_OLD                                                                      \
	"\"custody\":{\"sensitive\":true,\"extractable\":false,\"always_sensitive\":"    \
	"true,"                                                                          \
	"\"never_extractable\":true,\"local\":true"
#define CUSTODY CUSTODY_OLD "}"
#define CUSTODY_NEW                                                                      \
	CUSTODY_OLD ",\"known\":true,\"relaxed\":[\"not-local\",\"rsa-2048\"],"            \
		    "\"also\":[\"decrypt\"]}"
#define KEY_BEFORE                                                                       \
	"\"name\":\"driver-2026\",\"algorithm\":\"rsa\",\"bits\":3072,\"subject\":\"CN=" \
	"Demo\","                                                                        \
	"\"not_before\":\"2026-01-01T00:00:00Z\",\"not_after\":\"2027-01-01T00:00:"      \
	"00Z\","                                                                         \
	"\"thumbprint_sha1\":\"0101010101010101010101010101010101010101\",\"thumbprint_" \
	"sha256\":"                                                                      \
	"\"0202020202020202020202020202020202020202020202020202020202020202\","          \
	"\"ready\":false,"                                                               \
	"\"detail\":\"token absent\","
#define KEY                                                                              \
	"{" KEY_BEFORE CUSTODY_NEW                                                       \
	",\"kinds\":[\"pe\"],\"digest_algorithms\":[\"sha256\",\"sha384\"],"             \
	"\"tokens\":[\"signer a: demo (0a1b), absent\"],"                                \
	"\"warnings\":[\"certificate expires in 6 days\",\"custody is relaxed\"],"       \
	"\"certificates\":[\"MAA=\",\"MAEA\"]}"
/* What a server said before keys had warnings. */
#define KEY_OLD                                                                          \
	"{" KEY_BEFORE CUSTODY                                                           \
	",\"kinds\":[\"pe\"],\"digest_algorithms\":[\"sha256\",\"sha384\"],"             \
	"\"certificates\":[\"MAA=\",\"MAEA\"]}"

static void
check_key(const struct api_key *k)
{
	assert_string_equal(k->name, "driver-2026");
	assert_string_equal(k->algorithm, "rsa");
	assert_int_equal(k->bits, 3072);
	assert_string_equal(k->subject, "CN=Demo");
	assert_string_equal(k->not_before, "2026-01-01T00:00:00Z");
	assert_string_equal(k->not_after, "2027-01-01T00:00:00Z");
	assert_int_equal(k->sha1[19], 1);
	assert_int_equal(k->sha256[31], 2);
	assert_false(k->ready);
	assert_string_equal(k->detail, "token absent");
	assert_true(
	    k->sensitive && k->always_sensitive && k->never_extractable && k->local);
	assert_false(k->extractable);
	assert_true(k->known);
	assert_string_equal(k->kinds, "pe");
	assert_string_equal(k->digests, "sha256 sha384");
	assert_int_equal(k->certificates_n, 2);
	assert_int_equal(k->certificates[0].len, 2);
	assert_memory_equal(k->certificates[1].der, "\x30\1\0", 3);
}

static void
key_and_keys_come_back_whole(void **state)
{
	static const char one[] = KEY, list[] = "{\"keys\":[" KEY "," KEY "]}";
	AUTO(buf_clear) struct buf b = {0}, bs = {0};
	AUTO(api_keys_clear) struct api_keys keys = {0};
	struct api_key key = {0};
	struct kd_err e = {0};

	check_done(api_key_decode(one, sizeof(one) - 1, &key, &e), &e);
	check_key(&key);
	assert_string_equal(key.relaxed, "not-local rsa-2048");
	assert_string_equal(key.uses, "decrypt");
	assert_int_equal(key.tokens.n, 1);
	assert_int_equal(key.warnings.n, 2);
	assert_string_equal(key.warnings.v[1], "custody is relaxed");
	api_key_encode(&key, &b);
	assert_string_equal(buf_cstr(&b), one);
	api_key_clear(&key);
	check_done(api_keys_decode(list, sizeof(list) - 1, &keys, &e), &e);
	assert_int_equal(keys.n, 2);
	check_key(&keys.v[1]);
	api_keys_encode(&keys, &bs);
	assert_string_equal(buf_cstr(&bs), list);
}

static void
an_older_server_has_no_warnings(void **state)
{
	static const char old[] = KEY_OLD;
	struct api_key key = {0};
	struct kd_err e = {0};

	check_done(api_key_decode(old, sizeof(old) - 1, &key, &e), &e);
	check_key(&key);
	assert_string_equal(key.relaxed, "");
	assert_int_equal(key.tokens.n + key.warnings.n, 0);
	api_key_clear(&key);
}

static void
no_keys_at_all(void **state)
{
	AUTO(api_keys_clear) struct api_keys keys = {0};
	struct kd_err e = {0};

	check_done(api_keys_decode("{\"keys\":[]}", 11, &keys, &e), &e);
	assert_int_equal(keys.n, 0);
}

static const struct refusal wrong_keys[] = {
    {"x", FROM_LIST "line 1 column 1: '[' or '{' expected near 'x'"},
    {"{}", FROM_LIST "name: missing"},
    {"{\"name\":\"a\",\"algorithm\":\"rsa\",\"bits\":99999}",
	FROM_LIST "bits: must be 0 to 16384, is 99999"},
    {"{\"name\":\"a\",\"algorithm\":\"rsa\",\"bits\":1,\"subject\":\"\",\"not_before\":"
     "\"0\","
     "\"not_after\":\"0\",\"thumbprint_sha1\":\"01\"}",
	FROM_LIST "thumbprint_sha1: needs 40 bytes, has 2"},
    {"{" KEY_BEFORE "\"custody\":7}",
	FROM_LIST "custody: needs an object, is a whole number"},
    {"{" KEY_BEFORE "\"custody\":{}}", FROM_LIST "custody.sensitive: missing"},
    {"{" KEY_BEFORE CUSTODY ",\"kinds\":[7]}",
	FROM_LIST "kinds[0]: needs a string, is a whole number"},
    {"{" KEY_BEFORE CUSTODY ",\"kinds\":[\"0123456789012345678901234567890\","
     "\"0123456789012345678901234567890\",\"0\"]}",
	FROM_LIST "kinds: more than 63 bytes of words"},
    {"{" KEY_BEFORE CUSTODY ",\"kinds\":[],\"digest_algorithms\":[],\"certificates\":[]}",
	FROM_LIST "certificates: 0 elements, at least 1 needed"},
    {"{" KEY_BEFORE CUSTODY
     ",\"kinds\":[],\"digest_algorithms\":[],\"certificates\":[7]}",
	FROM_LIST "certificates[0]: needs a string, is a whole number"},
};

static void
wrong_keys_are_refused(void **state)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(wrong_keys); i++) {
		struct api_key k = {.bits = 7};
		struct kd_err e = {0};

		check_refusal(api_key_decode(
				  wrong_keys[i].text, strlen(wrong_keys[i].text), &k, &e),
		    &e, KD_E_PROTOCOL, wrong_keys[i].msg);
		assert_int_equal(k.bits, 7);
	}
}

#define READY                                                                            \
	"{\"ready\":false,\"version\":\"0.1.0\",\"separation\":\"three "                 \
	"users\",\"record\":\"ok\",\"relay\":\"connected\","                             \
	"\"keys\":[{\"name\":\"a\",\"ready\":true,\"token\":\"demo (0a1b), ready\","     \
	"\"warnings\":[\"certificate expired\"]},"                                       \
	"{\"name\":\"b\",\"ready\":false,\"code\":\"pin_latched\",\"detail\":\"PIN "     \
	"refused\","                                                                     \
	"\"token\":\"\",\"warnings\":[]}],"                                              \
	"\"tokens\":[{\"signer\":\"s\",\"label\":\"demo\",\"serial\":\"0a1b\","          \
	"\"state\":\"absent\",\"detail\":\"unplugged\",\"sessions\":4,"                  \
	"\"sessions_in_use\":2,\"restarts\":3,\"breaker\":\"open\"}]}"

static void
readiness_comes_back_whole(void **state)
{
	static const char text[] = READY;
	AUTO(api_ready_clear) struct api_ready r = {0};
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0};

	check_done(api_ready_decode(text, sizeof(text) - 1, &r, &e), &e);
	assert_false(r.ready);
	assert_string_equal(r.version, "0.1.0");
	assert_string_equal(r.separation, "three users");
	assert_string_equal(r.record, "ok");
	assert_int_equal(r.keys_n, 2);
	assert_true(r.keys[0].ready);
	assert_string_equal(r.keys[0].token, "demo (0a1b), ready");
	assert_string_equal(r.keys[1].code, "pin_latched");
	assert_string_equal(r.keys[1].detail, "PIN refused");
	assert_string_equal(r.relay, "connected");
	assert_int_equal(r.keys[0].warnings.n, 1);
	assert_string_equal(r.keys[0].warnings.v[0], "certificate expired");
	assert_int_equal(r.tokens_n, 1);
	assert_string_equal(r.tokens[0].state, "absent");
	assert_string_equal(r.tokens[0].detail, "unplugged");
	assert_int_equal(r.tokens[0].sessions, 4);
	assert_int_equal(r.tokens[0].sessions_in_use, 2);
	assert_int_equal(r.tokens[0].restarts, 3);
	assert_string_equal(r.tokens[0].breaker, "open");
	api_ready_encode(&r, &b);
	assert_string_equal(buf_cstr(&b), text);
}

static void
wrong_readiness_is_refused(void **state)
{
	static const struct refusal cases[] = {
	    {"{}", FROM_READY "ready: missing"},
	    {"{\"ready\":1}", FROM_READY "ready: needs true or false, is a whole number"},
	    {"{\"ready\":true,\"version\":\"1\",\"separation\":\"\",\"record\":\"ok\","
	     "\"keys\":[{}]}",
		FROM_READY "keys[0].name: missing"},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct api_ready r = {.keys_n = 7};
		struct kd_err e = {0};

		check_refusal(
		    api_ready_decode(cases[i].text, strlen(cases[i].text), &r, &e), &e,
		    KD_E_PROTOCOL, cases[i].msg);
		assert_int_equal(r.keys_n, 7);
	}
}

static void
problem_has_the_members_of_rfc_9457(void **state)
{
	AUTO(buf_clear) struct buf b = {0}, plain = {0};
	struct kd_err said = {
	    KD_E_DENIED, "no grant for key 'a'", "ask the security team"};
	struct kd_err got = {0}, e = {0};

	api_problem_encode(&said, "0123456789abcdef0123456789abcdef", &b);
	assert_string_equal(buf_cstr(&b),
	    "{\"type\":\"about:blank\",\"title\":\"No grant covers this request\","
	    "\"status\":403,\"detail\":\"no grant for key 'a'\",\"code\":\"not_granted\","
	    "\"request_id\":\"0123456789abcdef0123456789abcdef\","
	    "\"hint\":\"ask the security team\"}");
	check_done(api_problem_decode((const char *)b.p, b.len, &got, &e), &e);
	assert_int_equal(got.code, KD_E_DENIED);
	assert_string_equal(got.msg, said.msg);
	assert_string_equal(got.hint, said.hint);
	said.hint[0] = '\0';
	api_problem_encode(&said, NULL, &plain);
	assert_string_equal(buf_cstr(&plain),
	    "{\"type\":\"about:blank\",\"title\":\"No grant covers this request\","
	    "\"status\":403,\"detail\":\"no grant for key "
	    "'a'\",\"code\":\"not_granted\"}");
}

static void
problem_text_is_made_safe_to_show(void **state)
{
	static const char text[] =
	    "{\"code\":\"busy\",\"detail\":\"a\\u001b[31mb\",\"hint\":\"\\n\",\"new\":1}";
	struct kd_err got = {0}, e = {0};

	check_done(api_problem_decode(text, sizeof(text) - 1, &got, &e), &e);
	assert_int_equal(got.code, KD_E_BUSY);
	assert_string_equal(got.msg, "a\\x1b[31mb");
	assert_string_equal(got.hint, "\\x0a");
}

static void
unknown_problem_codes_follow_the_status(void **state)
{
	static const struct {
		const char *text;
		enum kd_code code;
	} cases[] = {
	    {"{\"code\":\"quota\",\"detail\":\"d\",\"status\":503}", KD_E_BUSY},
	    {"{\"code\":\"quota\",\"detail\":\"d\",\"status\":500}", KD_E_BUG},
	    {"{\"code\":\"ok\",\"detail\":\"d\",\"status\":500}", KD_E_BUG},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_err got = {0}, e = {0};

		check_done(
		    api_problem_decode(cases[i].text, strlen(cases[i].text), &got, &e),
		    &e);
		assert_int_equal(got.code, cases[i].code);
	}
}

static void
wrong_problems_are_refused(void **state)
{
	static const struct refusal cases[] = {
	    {"<html>", FROM_PROBLEM "line 1 column 1: '[' or '{' expected near '<'"},
	    {"{}", FROM_PROBLEM "code: missing"},
	    {"{\"code\":\"busy\"}", FROM_PROBLEM "detail: missing"},
	    {"{\"code\":\"x\",\"detail\":\"d\"}", FROM_PROBLEM "status: missing"},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_err got = {.code = KD_E_TLS}, e = {0};

		check_refusal(
		    api_problem_decode(cases[i].text, strlen(cases[i].text), &got, &e),
		    &e, KD_E_PROTOCOL, cases[i].msg);
		assert_int_equal(got.code, KD_E_TLS);
	}
}

static bool
decode_some_answer(struct kd_err *e)
{
	AUTO(api_sign_answer_clear) struct api_sign_answer a = {0};

	return decode_answer(answer_text, &a, e);
}

static bool
decode_some_keys(struct kd_err *e)
{
	static const char text[] = "{\"keys\":[" KEY "," KEY "]}";
	AUTO(api_keys_clear) struct api_keys keys = {0};

	return api_keys_decode(text, sizeof(text) - 1, &keys, e);
}

static bool
decode_one_key(struct kd_err *e)
{
	static const char text[] = KEY;
	struct api_key k = {0};
	bool done = api_key_decode(text, sizeof(text) - 1, &k, e);

	api_key_clear(&k);
	return done;
}

static bool
decode_some_readiness(struct kd_err *e)
{
	static const char text[] = READY;
	AUTO(api_ready_clear) struct api_ready r = {0};

	return api_ready_decode(text, sizeof(text) - 1, &r, e);
}

static void
any_allocation_may_fail(void **state)
{
	check_every_allocation(decode_some_answer);
	check_every_allocation(decode_some_keys);
	check_every_allocation(decode_one_key);
	check_every_allocation(decode_some_readiness);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(answer_comes_back_whole),
	    cmocka_unit_test(newer_servers_may_say_more),
	    cmocka_unit_test(wrong_answers_are_refused),
	    cmocka_unit_test(base64_must_be_base64),
	    cmocka_unit_test(key_and_keys_come_back_whole),
	    cmocka_unit_test(an_older_server_has_no_warnings),
	    cmocka_unit_test(no_keys_at_all),
	    cmocka_unit_test(wrong_keys_are_refused),
	    cmocka_unit_test(readiness_comes_back_whole),
	    cmocka_unit_test(wrong_readiness_is_refused),
	    cmocka_unit_test(problem_has_the_members_of_rfc_9457),
	    cmocka_unit_test(problem_text_is_made_safe_to_show),
	    cmocka_unit_test(unknown_problem_codes_follow_the_status),
	    cmocka_unit_test(wrong_problems_are_refused),
	    cmocka_unit_test(any_allocation_may_fail),
	};
	return cmocka_run_group_tests_name("api_answer", t, NULL, NULL);
}
