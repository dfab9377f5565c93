/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/wire/signer_msg_test.c - jobs, results and states, cut anywhere and wrong
 * each. */
#include "wire/signer_msg.h"

#include "tests/unit/wire/check.h"
#include "wire/custody.h"

static struct sign_job
good_job(void)
{
	struct sign_job j = {.key = "driver-2026",
	    .mechanism = SIGN_ECDSA,
	    .md = MD_SHA384,
	    .deadline_ms = 10000};

	memset(j.digest, 0xab, 48);
	return j;
}

static void
job_comes_back_whole(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	struct sign_job j = good_job(), got = {0};
	struct kd_err e = {0};

	sign_job_encode(&j, &b);
	assert_int_equal(b.len, 1 + 11 + 1 + 1 + 48 + 4);
	assert_memory_equal(b.p,
	    "\x0b"
	    "driver-2026\2\3\xab\xab",
	    16);
	assert_memory_equal(&b.p[62], "\x10\x27\0\0", 4);
	check_done(sign_job_decode(rd_init(b.p, b.len), &got, &e), &e);
	assert_memory_equal(&got, &j, sizeof(j));
}

static void
wrong_jobs_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		const char *msg;
	} cases[] = {
	    {0, 65, "sign: key name: 65 bytes, at most 64 allowed"},
	    {1, 0, "sign: key name: is not UTF-8"},
	    {12, 0, "sign: unknown mechanism 0"},
	    {12, 3, "sign: unknown mechanism 3"},
	    {13, 0, "sign: unknown digest algorithm 0"},
	    {13, 5, "sign: unknown digest algorithm 5"},
	    {13, 2, "sign: 16 unexpected bytes at offset 0x32"}, /* SHA-256 is shorter */
	    {13, 4, "sign: digest at offset 0xe needs 64 bytes; the data ends at 0x42"},
	};
	AUTO(buf_clear) struct buf b = {0};
	struct sign_job j = good_job();

	sign_job_encode(&j, &b);
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		uint8_t raw[66];
		struct kd_err e = {0};
		size_t n = cases[i].at == 0 ? 66 : b.len;

		memcpy(raw, b.p, b.len);
		raw[cases[i].at] = cases[i].byte;
		check_refusal(sign_job_decode(rd_init(raw, n), &j, &e), &e, KD_E_PROTOCOL,
		    cases[i].msg);
	}
}

static void
empty_job_fields_are_refused(void **state)
{
	AUTO(buf_clear) struct buf unnamed = {0}, late = {0};
	struct sign_job j = good_job(), got = {.deadline_ms = 7};
	struct kd_err e = {0}, e2 = {0};

	j.key[0] = '\0';
	sign_job_encode(&j, &unnamed);
	check_refusal(sign_job_decode(rd_init(unnamed.p, unnamed.len), &got, &e), &e,
	    KD_E_PROTOCOL, "sign: key name: is empty");
	j = good_job();
	j.deadline_ms = 0;
	sign_job_encode(&j, &late);
	check_refusal(sign_job_decode(rd_init(late.p, late.len), &got, &e2), &e2,
	    KD_E_PROTOCOL, "sign: deadline: is 0");
	assert_int_equal(got.deadline_ms, 7);
}

static struct sign_result
good_result(void)
{
	struct sign_result s = {.heard = true, .token_us = 2700, .signature_len = 384};

	memset(s.signature, 0x5a, 384);
	return s;
}

static void
result_comes_back_whole(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	struct sign_result s = good_result(), got = {0};
	struct kd_err e = {0};

	sign_result_encode(&s, &b);
	assert_memory_equal(b.p, "\0\1\0\0\0\0\0\0\0\0\x8c\x0a\0\0\0\x80\1\x5a", 18);
	check_done(sign_result_decode(rd_init(b.p, b.len), &got, &e), &e);
	assert_memory_equal(&got, &s, sizeof(s));
}

/* The numbers stand in docs/PROTOCOL.md. */
static void
every_code_has_its_number(void **state)
{
	static const struct {
		enum kd_code code, comes_back;
		uint8_t number;
	} cases[] = {
	    {KD_E_TOKEN, KD_E_TOKEN, 1}, {KD_E_TOKEN_TIMEOUT, KD_E_TOKEN_TIMEOUT, 2},
	    {KD_E_PIN, KD_E_PIN, 3}, {KD_E_KEY, KD_E_KEY, 4}, {KD_E_BUSY, KD_E_BUSY, 5},
	    {KD_E_UNKNOWN_OUTCOME, KD_E_UNKNOWN_OUTCOME, 6}, {KD_E_NOMEM, KD_E_NOMEM, 7},
	    {KD_E_CRYPTO, KD_E_CRYPTO, 8},
	    {KD_E_BAD_SIGNATURE, KD_E_BAD_SIGNATURE, 9}, {KD_E_BUG, KD_E_BUG, 10},
	    {KD_E_CONFIG, KD_E_BUG, 10}, /* not for a signer to say */
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf b = {0};
		struct sign_result s = {.code = cases[i].code,
		    .heard = true,
		    .ckr = 0x30,
		    .detail = "CKR_DEVICE_ERROR"};
		struct sign_result got = {0};
		struct kd_err e = {0};

		sign_result_encode(&s, &b);
		assert_int_equal(b.p[0], cases[i].number);
		check_done(sign_result_decode(rd_init(b.p, b.len), &got, &e), &e);
		assert_int_equal(got.code, cases[i].comes_back);
		assert_int_equal(got.ckr, 0x30);
		assert_string_equal(got.detail, "CKR_DEVICE_ERROR");
	}
}

static void
wrong_results_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		const char *msg;
	} cases[] = {
	    {0, 11, "signature: unknown code 11"},
	    {0, 1, "signature: code 1 with 384 bytes of signature"},
	    {1, 2, "signature: heard: is 2, must be 0 or 1"},
	    {1, 0, "signature: code 0, yet the token never heard of it"},
	    {16, 0, "signature: 256 unexpected bytes at offset 0x91"},
	    {16, 5, "signature: signature: 1408 bytes, at most 1024 allowed"},
	};
	AUTO(buf_clear) struct buf b = {0};
	struct sign_result s = good_result();

	sign_result_encode(&s, &b);
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		uint8_t raw[512];
		struct kd_err e = {0};

		memcpy(raw, b.p, b.len);
		raw[cases[i].at] = cases[i].byte;
		check_refusal(sign_result_decode(rd_init(raw, b.len), &s, &e), &e,
		    KD_E_PROTOCOL, cases[i].msg);
	}
}

static void
results_that_contradict_themselves(void **state)
{
	static const struct {
		struct sign_result s;
		const char *msg;
	} cases[] = {
	    {{.heard = true}, "signature: code 0 with 0 bytes of signature"},
	    {{.code = KD_E_UNKNOWN_OUTCOME},
		"signature: code 6, yet the token never heard of it"},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf b = {0};
		struct sign_result got = {.ckr = 7};
		struct kd_err e = {0};

		sign_result_encode(&cases[i].s, &b);
		check_refusal(sign_result_decode(rd_init(b.p, b.len), &got, &e), &e,
		    KD_E_PROTOCOL, cases[i].msg);
		assert_int_equal(got.ckr, 7);
	}
}

static struct signer_key keys[] = {
    {.name = "driver-2026",
	.ready = true,
	.mechanism = SIGN_RSA_PKCS1,
	.bits = 3072,
	.attrs = KEY_ATTR_SENSITIVE | KEY_ATTR_MODIFIABLE,
	.relaxed = CUSTODY_NOT_LOCAL,
	.spki = "spki",
	.spki_len = 4},
    {.name = "lost", .detail = "no key with that label"},
};

static struct signer_state
good_state(void)
{
	return (struct signer_state){.token = TOKEN_READY,
	    .label = "demo",
	    .serial = "0a1b",
	    .model = "SoftHSM v2",
	    .sessions = 4,
	    .child_pid = 4711,
	    .restarts = 1,
	    .detail = "",
	    .keys = keys,
	    .keys_n = KD_ARRAY_LEN(keys),
	    .breaker = BREAKER_OPEN,
	    .opened = 7,
	    .retry_ms = 900};
}

static void
state_comes_back_whole(void **state)
{
	AUTO(signer_state_clear) struct signer_state got = {0};
	AUTO(buf_clear) struct buf b = {0};
	struct signer_state s = good_state();
	struct kd_err e = {0};

	signer_state_encode(&s, &b);
	check_done(signer_state_decode(rd_init(b.p, b.len), &got, &e), &e);
	assert_int_equal(got.token, TOKEN_READY);
	assert_string_equal(got.label, "demo");
	assert_string_equal(got.serial, "0a1b");
	assert_string_equal(got.model, "SoftHSM v2");
	assert_int_equal(got.sessions, 4);
	assert_int_equal(got.child_pid, 4711);
	assert_int_equal(got.restarts, 1);
	assert_string_equal(got.detail, "");
	assert_int_equal(got.keys_n, 2);
	assert_memory_equal(got.keys, keys, sizeof(keys));
	assert_int_equal(got.breaker, BREAKER_OPEN);
	assert_int_equal(got.opened, 7);
	assert_int_equal(got.retry_ms, 900);
}

static void
state_bytes_are_as_documented(void **state)
{
	static const char want[] = "\3\1a\1b\1c\2\0\3\0\0\0\4\0\0\0\1d\1\0"
				   "\1k\1\2\0\1\5\0\0\0\x20\0\0\0\2\0SP\1e"
				   "\2\5\0\0\0\6\0\0\0";
	AUTO(buf_clear) struct buf b = {0};
	struct signer_key k = {.name = "k",
	    .ready = true,
	    .mechanism = SIGN_ECDSA,
	    .bits = 256,
	    .attrs = 5,
	    .relaxed = CUSTODY_RSA_2048,
	    .spki = "SP",
	    .spki_len = 2,
	    .detail = "e"};
	struct signer_state s = {
	    TOKEN_ABSENT, "a", "b", "c", 2, 3, 4, "d", &k, 1, BREAKER_HALF_OPEN, 5, 6};

	signer_state_encode(&s, &b);
	assert_int_equal(b.len, sizeof(want) - 1);
	assert_memory_equal(b.p, want, b.len);
}

#define BREAKER SIZE_MAX /* its place: so far from the end */
#define BREAKER_LEN 9

static void
wrong_states_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		const char *msg;
	} cases[] = {
	    {0, 0, "state: unknown token state 0"},
	    {0, 6, "state: unknown token state 6"},
	    {1, 33, "state: token label: 33 bytes, at most 32 allowed"},
	    {34, 1, "state: 258 keys, at most 256 allowed"},
	    {35, 0, "state: key ready: is 100, must be 0 or 1"}, /* a name of 0 shifts */
	    {47, 2, "state: key ready: is 2, must be 0 or 1"},
	    {48, 3, "state: unknown mechanism 3"},
	    {48, 0, "state: a ready key without mechanism"},
	    {52, 2, "state: unknown key attributes 0x201"},
	    {55, 64, "state: unknown flaws 0x40 are relaxed"},
	    {60, 5, "state: public key: 1284 bytes, at most 1024 allowed"},
	    {BREAKER, 3, "state: unknown breaker state 3"},
	};
	AUTO(buf_clear) struct buf b = {0};
	struct signer_state s = good_state();

	signer_state_encode(&s, &b);
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(signer_state_clear) struct signer_state got = {0};
		uint8_t raw[256];
		struct kd_err e = {0};

		memcpy(raw, b.p, b.len);
		raw[cases[i].at < b.len ? cases[i].at : b.len - BREAKER_LEN] =
		    cases[i].byte;
		check_refusal(signer_state_decode(rd_init(raw, b.len), &got, &e), &e,
		    KD_E_PROTOCOL, cases[i].msg);
		assert_null(got.keys);
	}
}

static void
key_without_name_is_refused(void **state)
{
	AUTO(signer_state_clear) struct signer_state got = {0};
	AUTO(buf_clear) struct buf b = {0};
	struct signer_key k = {.detail = "nameless"};
	struct signer_state s = {.token = TOKEN_READY, .keys = &k, .keys_n = 1};
	struct kd_err e = {0};

	signer_state_encode(&s, &b);
	check_refusal(signer_state_decode(rd_init(b.p, b.len), &got, &e), &e,
	    KD_E_PROTOCOL, "state: key name: is empty");
}

static void
cut_anywhere_is_refused(void **state)
{
	AUTO(buf_clear) struct buf job = {0}, result = {0}, st = {0};
	struct sign_job j = good_job();
	struct sign_result s = good_result();
	struct signer_state whole = good_state(), got = {0};

	sign_job_encode(&j, &job);
	sign_result_encode(&s, &result);
	signer_state_encode(&whole, &st);
	for (size_t n = 0; n < job.len; n++) {
		struct kd_err e = {0};

		assert_false(sign_job_decode(rd_init(job.p, n), &j, &e));
		assert_int_equal(e.code, KD_E_PROTOCOL);
	}
	for (size_t n = 0; n < result.len; n++) {
		struct kd_err e = {0};

		assert_false(sign_result_decode(rd_init(result.p, n), &s, &e));
		assert_int_equal(e.code, KD_E_PROTOCOL);
	}
	for (size_t n = 0; n < st.len; n++) {
		struct kd_err e = {0};

		assert_false(signer_state_decode(rd_init(st.p, n), &got, &e));
		assert_int_equal(e.code, KD_E_PROTOCOL);
		assert_null(got.keys);
	}
}

static bool
decode_state(struct kd_err *e)
{
	static struct buf b; /* built once, while allocations still work */
	AUTO(signer_state_clear) struct signer_state got = {0};
	struct signer_state s = good_state();

	if (b.len == 0) {
		kd_alloc_fail_at(-1);
		signer_state_encode(&s, &b);
		kd_alloc_fail_at(0);
	}
	return signer_state_decode(rd_init(b.p, b.len), &got, e);
}

static void
any_allocation_may_fail(void **state)
{
	check_every_allocation(decode_state);
}

static void
bad_comes_back_whole_and_cut_is_refused(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	struct sign_bad s = {.key = "driver", .detail = "does not verify"}, got;
	struct kd_err e = {0};

	sign_bad_encode(&s, &b);
	check_done(sign_bad_decode(rd_init(b.p, b.len), &got, &e), &e);
	assert_string_equal(got.key, "driver");
	assert_string_equal(got.detail, "does not verify");
	for (size_t n = 0; n < b.len; n++) {
		struct kd_err cut = {0};

		assert_false(sign_bad_decode(rd_init(b.p, n), &got, &cut));
		assert_int_equal(cut.code, KD_E_PROTOCOL);
	}
}

static void
token_states_have_names(void **state)
{
	static const char *const names[] = {
	    "starting", "ready", "absent", "latched", "failed"};

	for (unsigned i = 0; i < KD_ARRAY_LEN(names); i++)
		assert_string_equal(
		    token_state_name((enum token_state)(TOKEN_STARTING + i)), names[i]);
	assert_string_equal(token_state_name((enum token_state)0), "unknown");
	assert_string_equal(token_breaker_name(BREAKER_CLOSED), "closed");
	assert_string_equal(token_breaker_name(BREAKER_HALF_OPEN), "half-open");
	assert_string_equal(token_breaker_name((enum token_breaker)3), "unknown");
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(job_comes_back_whole),
	    cmocka_unit_test(wrong_jobs_are_refused),
	    cmocka_unit_test(empty_job_fields_are_refused),
	    cmocka_unit_test(result_comes_back_whole),
	    cmocka_unit_test(every_code_has_its_number),
	    cmocka_unit_test(wrong_results_are_refused),
	    cmocka_unit_test(results_that_contradict_themselves),
	    cmocka_unit_test(state_comes_back_whole),
	    cmocka_unit_test(state_bytes_are_as_documented),
	    cmocka_unit_test(wrong_states_are_refused),
	    cmocka_unit_test(key_without_name_is_refused),
	    cmocka_unit_test(cut_anywhere_is_refused),
	    cmocka_unit_test(any_allocation_may_fail),
	    cmocka_unit_test(bad_comes_back_whole_and_cut_is_refused),
	    cmocka_unit_test(token_states_have_names),
	};
	return cmocka_run_group_tests_name("signer_msg", t, NULL, NULL);
}
