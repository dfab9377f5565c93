/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/tsp_test.c - RFC 3161: what openssl ts answers is taken, what
 * is wrong with an answer is said. */
#include "authenticode/tsp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "authenticode/der.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "tests/unit/authenticode/demo_pki.h"
#include "tests/unit/authenticode/tsa_ask.h"

static const uint8_t signature[] =
    "what a signer's token gave; nobody here looks into it";
#define SIG signature, sizeof(signature)

static void
query_is_der_as_rfc_3161_has_it(void **state)
{
	static const struct {
		uint8_t nonce[TSP_NONCE_LEN];
		const char *der; /* from the nonce on */
	} cases[] = {
	    {{0x12, 2, 3, 4, 5, 6, 7, 8}, "02081202030405060708"},
	    {{0x92, 2, 3, 4, 5, 6, 7, 8}, "0209009202030405060708"},
	    {{0, 0, 0, 4, 5, 6, 7, 8}, "02050405060708"},
	    {{0, 0, 0, 0, 0, 0, 0, 0x80}, "02020080"},
	    {{0}, "020100"},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf der = {0};
		AUTO(buf_clear) struct buf hex = {0};
		struct tsp_query q = {.md = MD_SHA1};
		struct kd_err e = {0};
		char want[256];

		memcpy(q.nonce, cases[i].nonce, TSP_NONCE_LEN);
		assert_true(tsp_query_encode(&q, &der, &e));
		text_hex(&hex, der.p, der.len);
		(void)snprintf(want, sizeof(want),
		    "30%02zx"
		    "020101"
		    "3021300906052b0e03021a05000414"
		    "0000000000000000000000000000000000000000%s0101ff",
		    3 + 35 + strlen(cases[i].der) / 2 + 3, cases[i].der);
		assert_string_equal(buf_cstr(&hex), want);
	}
}

static void
nonces_are_fresh_and_the_imprint_is_the_digest(void **state)
{
	struct tsp_query a, b;
	uint8_t digest[MD_LEN_MAX];
	struct kd_err e = {0};
	(void)state;

	assert_true(tsp_query_new(MD_SHA384, SIG, &a, &e));
	assert_true(tsp_query_new(MD_SHA384, SIG, &b, &e));
	assert_memory_not_equal(a.nonce, b.nonce, TSP_NONCE_LEN);
	assert_true(md_digest(MD_SHA384, SIG, digest, &e));
	assert_memory_equal(a.imprint, digest, md_len(MD_SHA384));
}

static void
judge_with_openssl(const struct buf *token, bool good)
{
	char path[512], data[512];

	demo_write("token", token->p, token->len, path);
	demo_write("data", signature, sizeof(signature), data);
	assert_int_equal(demo_run("openssl ts -verify -token_in -in %s -data %s "
				  "-CAfile %s",
			     path, data, TSA("root.pem")) == 0,
	    good);
}

/* Trusted by these roots? The finding stands in *ret. */
static bool
is_trusted(const struct tsp_stamp *s, const char *root, struct chain *ret)
{
	AUTO(certs_free) struct certs *roots = tsa_certs(root);
	struct kd_err e = {0};

	if (!tsp_check_chain(s, roots, ret, &e))
		fail_msg("%s", e.msg);
	return chain_ok(ret);
}

static void
answers_of_openssl_are_taken_whatever_key_and_digest(void **state)
{
	static const char *const signers[] = {"tsa", "ec"};
	(void)state;

	for (int i = 0; i < 8; i++) {
		AUTO(buf_clear) struct buf answer = {0};
		AUTO(buf_clear) struct buf token = {0};
		AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
		AUTO(chain_clear) struct chain chain = {0};
		AUTO(chain_clear) struct chain other = {0};
		enum md md = (enum md)(MD_SHA1 + i % 4);
		int64_t before = (int64_t)time(NULL);
		struct kd_err e = {0};
		struct tsp_query q;

		tsa_answer(signers[i / 4], TSA_RIGHT, md, SIG, &q, &answer);
		if (!tsp_answer_parse(answer.p, answer.len, &q, &token, &e) ||
		    !tsp_read_token(token.p, token.len, &s, &e) ||
		    !tsp_check(&s, SIG, &e))
			fail_msg("%s %s: %s", signers[i / 4], md_name(md), e.msg);
		assert_int_equal(s.kind, TSP_RFC3161);
		assert_int_equal(s.md, md);
		assert_in_range(s.time, before, (int64_t)time(NULL));
		assert_ptr_equal(s.certs, s.cms.certs);
		assert_true(is_trusted(&s, "root.pem", &chain));
		assert_int_equal(certs_n(chain.path), 3);
		assert_false(is_trusted(&s, "otherroot.pem", &other));
		judge_with_openssl(&token, true);
	}
}

static void
refused(const char *signer, enum tsa_twist twist, enum kd_code code, const char *msg)
{
	AUTO(buf_clear) struct buf answer = {0};
	AUTO(buf_clear) struct buf token = {0};
	struct kd_err e = {0};
	struct tsp_query q;

	tsa_answer(signer, twist, MD_SHA256, SIG, &q, &answer);
	assert_false(tsp_answer_parse(answer.p, answer.len, &q, &token, &e));
	assert_int_equal(e.code, code);
	if (strncmp(e.msg, msg, strlen(msg)) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(token.len, 0);
}

static void
wrong_answers_are_refused_by_name(void **state)
{
	(void)state;
	refused("tsa", TSA_OTHER_NONCE, KD_E_NOT_VERIFIED,
	    "nonce in the answer is 1234567890abcdef, ");
	refused("tsa", TSA_OTHER_IMPRINT, KD_E_NOT_VERIFIED,
	    "imprint in the answer is sha256 ");
	refused("tsa", TSA_REFUSES, KD_E_UNREACHABLE,
	    "the authority refuses: rejection; 'Requested policy is not supported.'; the "
	    "policy is not supported (unacceptedPolicy)");
	refused("tsa", TSA_NO_EKU, KD_E_NOT_VERIFIED,
	    "the authority's certificate 'No TSA' lacks timeStamping among its extended "
	    "key usages");
	refused("expired", TSA_RIGHT, KD_E_NOT_VERIFIED,
	    "the authority's certificate 'Expired TSA' expired at "
	    "2020-01-01T00:00:00.000Z; the timestamp says 2");
}

/* Microsoft's own authority is such a one. */
static void
an_extended_key_usage_need_not_be_critical(void **state)
{
	AUTO(buf_clear) struct buf answer = {0};
	AUTO(buf_clear) struct buf token = {0};
	struct kd_err e = {0};
	struct tsp_query q;
	(void)state;

	tsa_answer("tsa", TSA_NOT_CRITICAL, MD_SHA256, SIG, &q, &answer);
	if (!tsp_answer_parse(answer.p, answer.len, &q, &token, &e))
		fail_msg("%s", e.msg);
	assert_true(token.len > 0);
}

static void
put_unhex(struct buf *b, const char *hex)
{
	size_t n = strlen(hex) / 2;
	struct kd_err e = {0};
	uint8_t *to = buf_reserve(b, n);

	assert_non_null(to);
	assert_true(text_unhex(hex, to, n, &e));
}

static void
statuses_are_said_in_words(void **state)
{
	static const struct {
		const char *hex;
		enum kd_code code;
		const char *msg;
	} cases[] = {
	    {"30053003020103", KD_E_UNREACHABLE, "the authority refuses: waiting"},
	    {"300b3009020102300416026162", KD_E_FORMAT,
		"statusString at offset 0x9: tag 0x16, expected 0x0c"},
	    /* two strings, the first with a bell */
	    {"3012301002010230070c036107620c0003020780", KD_E_UNREACHABLE,
		"the authority refuses: rejection; 'a\\x07b'; ''; the digest algorithm is "
		"not supported (badAlg)"},
	    {"300a30080201020303010002", KD_E_UNREACHABLE,
		"the authority refuses: rejection; its time source is not available "
		"(timeNotAvailable)"},
	    {"300c300a02010203050600000040", KD_E_UNREACHABLE,
		"the authority refuses: rejection; system failure (systemFailure)"},
	    {"30053003020106", KD_E_FORMAT, "PKIStatus is none of RFC 3161's"},
	    {"30063004020200ff", KD_E_FORMAT, "PKIStatus is none of RFC 3161's"},
	    {"30053003020100", KD_E_FORMAT, "granted, but there is no timeStampToken"},
	    {"3007300302010005"
	     "00",
		KD_E_FORMAT, "timeStampToken at offset 0x7: tag 0x05, expected 0x30"},
	    {"3c03616263", KD_E_FORMAT,
		"TimeStampResp at offset 0: tag 0x3c, expected 0x30"},
	    {"", KD_E_FORMAT, "TimeStampResp"},
	};
	static const struct tsp_query q = {.md = MD_SHA256};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf answer = {0};
		AUTO(buf_clear) struct buf token = {0};
		struct kd_err e = {0};

		if (cases[i].hex[0] != '\0')
			put_unhex(&answer, cases[i].hex);
		assert_false(tsp_answer_parse(answer.p, answer.len, &q, &token, &e));
		if (e.code != cases[i].code ||
		    strncmp(e.msg, cases[i].msg, strlen(cases[i].msg)) != 0)
			fail_msg("case %zu: %d %s", i, (int)e.code, e.msg);
	}
}

static void
an_answer_over_the_limit_is_not_read(void **state)
{
	static const uint8_t zeros[TSP_ANSWER_MAX + 1];
	AUTO(buf_clear) struct buf token = {0};
	static const struct tsp_query q = {.md = MD_SHA256};
	struct kd_err e = {0};
	(void)state;

	assert_false(tsp_answer_parse(zeros, sizeof(zeros), &q, &token, &e));
	assert_int_equal(e.code, KD_E_LIMIT);
	assert_string_equal(e.msg, "answer of 65537 bytes, at most 65536 allowed");
}

static void
truncated_or_lengthened_at_any_place_is_refused(void **state)
{
	AUTO(buf_clear) struct buf answer = {0};
	struct tsp_query q;
	(void)state;

	tsa_answer("tsa", TSA_RIGHT, MD_SHA256, SIG, &q, &answer);
	buf_u8(&answer, 0);
	for (size_t n = 0; n <= answer.len; n++) {
		AUTO(buf_clear) struct buf token = {0};
		AUTO(free) uint8_t *exact = malloc(n + 1);
		struct kd_err e = {0};

		if (n == answer.len - 1)
			continue;
		assert_non_null(exact);
		memcpy(exact, answer.p, n);
		assert_false(tsp_answer_parse(exact, n, &q, &token, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		assert_true(e.msg[0] != '\0');
		assert_int_equal(token.len, 0);
	}
}

/*
 * May a flipped bit at p pass? Versions and the list of digest algorithms bind nobody;
 * the certificates but the signer's own are the chain's business; the signature
 * algorithm may name another digest (SignerInfo's decides), and NULL or its absence has
 * no meaning.
 */
static bool
bit_may_pass(const uint8_t *p, const struct buf *token)
{
	struct cms_signer_info s = tsa_signer(token);
	AUTO(tsp_stamp_clear) struct tsp_stamp stamp = {0};
	struct kd_err e = {0};
	struct cms_outer o;
	const uint8_t *der, *own;
	size_t n;

	assert_true(cms_outer_open(token->p, token->len, &o, &e));
	assert_true(tsp_read_token(token->p, token->len, &stamp, &e));
	if (tsa_inside(p, &o.version) || tsa_inside(p, &o.digest_algorithms) ||
	    tsa_inside(p, &s.version) || tsa_inside(p, &s.signature_algorithm))
		return true;
	if (!tsa_inside(p, &o.certificates))
		return false;
	der = certs_der(stamp.certs, stamp.signer, &n);
	for (own = o.certificates.p; memcmp(own, der, n) != 0;)
		own++;
	return p < own || p >= own + n;
}

static void
every_flipped_bit_is_found(void **state)
{
	AUTO(buf_clear) struct buf answer = {0};
	AUTO(buf_clear) struct buf whole = {0};
	struct tsp_query q;
	struct kd_err good = {0};
	uint8_t *token;
	(void)state;

	tsa_answer("tsa", TSA_RIGHT, MD_SHA256, SIG, &q, &answer);
	assert_true(tsp_answer_parse(answer.p, answer.len, &q, &whole, &good));
	token = answer.p + answer.len - whole.len;
	for (size_t i = 0; i < 8 * answer.len; i += 7) { /* each byte, another bit */
		AUTO(buf_clear) struct buf taken = {0};
		uint8_t *p = &answer.p[i / 8];
		struct kd_err e = {0};
		bool ok;

		*p ^= (uint8_t)(1 << i % 8);
		ok = tsp_answer_parse(answer.p, answer.len, &q, &taken, &e);
		*p ^= (uint8_t)(1 << i % 8);
		if (!ok && e.msg[0] == '\0')
			fail_msg("byte %zu: no sentence", i / 8);
		if (!ok || (p < token && i / 8 >= 4)) /* PKIStatus: granted with mods */
			continue;
		if (p < token || !bit_may_pass(whole.p + (p - token), &whole))
			fail_msg("bit %zu of byte %zu of %zu may be flipped unseen",
			    i % 8, i / 8, answer.len);
	}
}

static void
reading_without_memory_is_an_ordinary_error(void **state)
{
	AUTO(buf_clear) struct buf answer = {0};
	struct tsp_query q;
	bool done = false;
	(void)state;

	tsa_answer("tsa", TSA_RIGHT, MD_SHA256, SIG, &q, &answer);
	for (long nth = 0; !done; nth++) {
		AUTO(buf_clear) struct buf query = {0};
		AUTO(buf_clear) struct buf token = {0};
		struct kd_err e = {0};

		kd_alloc_fail_at(nth);
		done = tsp_query_encode(&q, &query, &e) &&
		       tsp_answer_parse(answer.p, answer.len, &q, &token, &e);
		kd_alloc_fail_at(-1);
		if (!done)
			assert_int_equal(e.code, KD_E_NOMEM);
		assert_true(nth < 100);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(query_is_der_as_rfc_3161_has_it),
	    cmocka_unit_test(nonces_are_fresh_and_the_imprint_is_the_digest),
	    cmocka_unit_test(answers_of_openssl_are_taken_whatever_key_and_digest),
	    cmocka_unit_test(wrong_answers_are_refused_by_name),
	    cmocka_unit_test(an_extended_key_usage_need_not_be_critical),
	    cmocka_unit_test(statuses_are_said_in_words),
	    cmocka_unit_test(an_answer_over_the_limit_is_not_read),
	    cmocka_unit_test(truncated_or_lengthened_at_any_place_is_refused),
	    cmocka_unit_test(every_flipped_bit_is_found),
	    cmocka_unit_test(reading_without_memory_is_an_ordinary_error),
	};

	return cmocka_run_group_tests_name("tsp", tests, NULL, NULL);
}
