/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/tsp_legacy_test.c - Authenticode's own timestamp protocol: what
 * openssl cms answers is taken, what is wrong with an answer is said. */
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
request_is_what_authenticode_wants(void **state)
{
	AUTO(buf_clear) struct buf text = {0};
	AUTO(buf_clear) struct buf der = {0};
	AUTO(buf_clear) struct buf hex = {0};
	struct kd_err e = {0};
	(void)state;

	assert_true(tsp_legacy_encode((const uint8_t *)"sig", 3, &text, &e));
	assert_true(text_unbase64((const char *)text.p, text.len, &der, &e));
	text_hex(&hex, der.p, der.len);
	assert_string_equal(buf_cstr(&hex), "3020"
					    "060a2b060104018237030201"
					    "3012"
					    "06092a864886f70d010701"
					    "a0050403"
					    "736967");
}

/* Base64 without any line end. */
static void
compact(const struct buf *lines, struct buf *ret)
{
	for (size_t i = 0; i < lines->len; i++)
		if (lines->p[i] > ' ')
			buf_u8(ret, lines->p[i]);
}

/* The answer in each of the forms that servers use. */
static void
put_form(int form, const struct buf *lines, struct buf *ret)
{
	AUTO(buf_clear) struct buf plain = {0};
	struct kd_err e = {0};

	compact(lines, &plain);
	if (form == 0)
		assert_true(
		    text_unbase64((const char *)plain.p, plain.len, ret, &e));
	else if (form == 1)
		buf_add(ret, plain.p, plain.len);
	else
		buf_add(ret, lines->p, lines->len); /* in lines, with CR LF */
	if (form == 3)
		buf_zero(ret, 1);
}

static void
answers_of_openssl_are_taken_in_every_form(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		AUTO(buf_clear) struct buf lines = {0};
		AUTO(buf_clear) struct buf answer = {0};
		AUTO(buf_clear) struct buf info = {0};
		AUTO(certs_free) struct certs *certs = NULL;
		AUTO(certs_free) struct certs *roots = tsa_certs("root.pem");
		AUTO(certs_free) struct certs *others = tsa_certs("otherroot.pem");
		AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
		AUTO(chain_clear) struct chain good = {0};
		AUTO(chain_clear) struct chain bad = {0};
		enum md md = (enum md)(MD_SHA1 + i / 2);
		int64_t before = (int64_t)time(NULL);
		struct kd_err e = {0};

		tsa_legacy_answer(
		    i % 2 == 0 ? "tsa" : "ec", TSA_RIGHT, md, SIG, &lines);
		put_form(i % 4, &lines, &answer);
		assert_true(certs_new(&certs, &e));
		if (!tsp_legacy_parse(
			answer.p, answer.len, SIG, &info, certs, &e) ||
		    !tsp_read_countersignature(info.p, info.len, certs, &s, &e) ||
		    !tsp_check(&s, SIG, &e) || !tsp_check_chain(&s, roots, &good, &e) ||
		    !tsp_check_chain(&s, others, &bad, &e))
			fail_msg("%d: %s", i, e.msg);
		assert_int_equal(certs_n(certs), 2); /* leaf and CA, not the root */
		assert_int_equal(s.kind, TSP_LEGACY);
		assert_int_equal(s.md, md);
		assert_in_range(s.time, before, (int64_t)time(NULL));
		assert_true(chain_ok(&good));
		assert_false(chain_ok(&bad));
	}
}

static void
refused_as(const struct buf *answer, enum kd_code code, const char *msg)
{
	AUTO(buf_clear) struct buf info = {0};
	AUTO(certs_free) struct certs *certs = NULL;
	struct kd_err e = {0};

	assert_true(certs_new(&certs, &e));
	assert_false(tsp_legacy_parse(answer->p, answer->len, SIG, &info, certs, &e));
	if (e.code != code || strncmp(e.msg, msg, strlen(msg)) != 0)
		fail_msg("%d: %s", (int)e.code, e.msg);
	assert_int_equal(info.len, 0);
	assert_int_equal(certs_n(certs), 0);
}

static void
refused(const char *signer, enum tsa_twist twist, const char *msg)
{
	AUTO(buf_clear) struct buf answer = {0};

	tsa_legacy_answer(signer, twist, MD_SHA256, SIG, &answer);
	refused_as(&answer, KD_E_NOT_VERIFIED, msg);
}

static void
wrong_answers_are_refused_by_name(void **state)
{
	(void)state;
	refused("tsa", TSA_OTHER_IMPRINT,
	    "the answer is over 54 bytes that are not the signature sent");
	refused("tsa", TSA_NO_EKU,
	    "the authority's certificate 'No TSA' lacks timeStamping among its extended "
	    "key usages");
	refused("expired", TSA_RIGHT,
	    "the authority's certificate 'Expired TSA' expired at "
	    "2020-01-01T00:00:00.000Z; the timestamp says 2");
}

static void
garbage_is_called_so(void **state)
{
	static const struct {
		const char *text, *msg;
	} cases[] = {
	    {"", "the answer is empty"},
	    {" \r\n", "the answer is empty"},
	    {"<html>no</html>", "the answer is neither DER nor base64: "},
	    {"TWFu", "ContentInfo at offset"},
	    {"0\x82", "ContentInfo at offset"},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf answer = {0};

		buf_str(&answer, cases[i].text);
		refused_as(&answer, KD_E_FORMAT, cases[i].msg);
	}
}

static void
an_answer_over_the_limit_is_not_read(void **state)
{
	AUTO(buf_clear) struct buf answer = {0};
	(void)state;

	buf_zero(&answer, TSP_ANSWER_MAX + 1);
	refused_as(
	    &answer, KD_E_LIMIT, "answer of 65537 bytes, at most 65536 allowed");
}

/* What binds nobody, as in tokens; here the certificates, too: a countersignature does
 * not name its own by digest. */
static bool
bit_may_pass(const uint8_t *p, const struct buf *der)
{
	struct cms_signer_info s = tsa_signer(der);
	struct kd_err e = {0};
	struct cms_outer o;

	assert_true(cms_outer_open(der->p, der->len, &o, &e));
	return tsa_inside(p, &o.version) || tsa_inside(p, &o.digest_algorithms) ||
	       tsa_inside(p, &o.certificates) || tsa_inside(p, &s.version) ||
	       tsa_inside(p, &s.signature_algorithm);
}

static void
every_flipped_bit_is_found(void **state)
{
	AUTO(buf_clear) struct buf lines = {0};
	AUTO(buf_clear) struct buf der = {0};
	AUTO(buf_clear) struct buf right = {0};
	(void)state;

	tsa_legacy_answer("tsa", TSA_RIGHT, MD_SHA256, SIG, &lines);
	put_form(0, &lines, &der);
	put_form(0, &lines, &right);
	for (size_t i = 0; i < 8 * der.len; i += 7) {
		AUTO(buf_clear) struct buf info = {0};
		AUTO(certs_free) struct certs *certs = NULL;
		struct kd_err e = {0};

		assert_true(certs_new(&certs, &e));
		der.p[i / 8] ^= (uint8_t)(1 << i % 8);
		if (!tsp_legacy_parse(der.p, der.len, SIG, &info, certs, &e))
			assert_true(e.msg[0] != '\0');
		else if (!bit_may_pass(&right.p[i / 8], &right))
			fail_msg("bit %zu of byte %zu of %zu may be flipped unseen",
			    i % 8, i / 8, der.len);
		der.p[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

static void
an_rsa_block_with_the_bare_digest_is_taken(void **state)
{
	AUTO(buf_clear) struct buf lines = {0};
	AUTO(buf_clear) struct buf der = {0};
	AUTO(buf_clear) struct buf info = {0};
	AUTO(certs_free) struct certs *certs = NULL;
	AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
	struct cms_signer_info signer;
	struct kd_err e = {0}, plain = {0}, forged = {0};
	(void)state;

	tsa_legacy_answer("tsa", TSA_RIGHT, MD_SHA1, SIG, &lines);
	put_form(0, &lines, &der);
	signer = tsa_signer(&der);
	tsa_sign_again(
	    &signer, "tsa", TSA_BARE, signer.attrs.body.p, signer.attrs.body.len);
	assert_true(certs_new(&certs, &e));
	if (!tsp_legacy_parse(der.p, der.len, SIG, &info, certs, &e) ||
	    !tsp_read_countersignature(info.p, info.len, certs, &s, &e) ||
	    !tsp_check(&s, SIG, &e))
		fail_msg("%s", e.msg);
	assert_false(cms_check_signature(&s.cms, &plain));
	tsa_sign_again(&signer, "tsa", TSA_BARE, SIG); /* of something else */
	assert_false(
	    tsp_legacy_parse(der.p, der.len, SIG, &info, certs, &forged));
	assert_string_equal(forged.msg, plain.msg);
}

/* A SignerInfo with these signed attributes, in hex, and a signature of nothing. */
static void
put_info(struct buf *b, const char *attrs)
{
	static const char head[] = "020101"
				   "30053000020105"
				   "300906052b0e03021a0500";
	size_t info = der_begin(b, DER_SEQUENCE), m;
	struct kd_err e = {0};

	assert_true(text_unhex(
	    head, buf_reserve(b, strlen(head) / 2), strlen(head) / 2, &e));
	m = der_begin(b, DER_C0);
	assert_true(text_unhex(
	    attrs, buf_reserve(b, strlen(attrs) / 2), strlen(attrs) / 2, &e));
	der_end(b, m);
	assert_true(text_unhex(
	    "300d06092a864886f70d0101010500", buf_reserve(b, 15), 15, &e));
	der_put(b, DER_OCTET_STRING, "sig", 3);
	der_end(b, info);
}

#define TYPE "301806092a864886f70d010903310b06092a864886f70d010701"
#define CTL_TYPE "301806092a864886f70d010903310b06092b0601040182370a01"
#define DIGEST                                                                           \
	"302306092a864886f70d01090431160414000102030405060708090a0b0c0d0e0f10111213"
#define SHORT_DIGEST "301006092a864886f70d010904310304010a"
#define TIME "301c06092a864886f70d010905310f170d3233313131343232313332305a"

static void
attributes_that_a_countersignature_needs(void **state)
{
	static const struct {
		const char *attrs, *msg;
	} cases[] = {
	    {TYPE DIGEST TIME, NULL},
	    {DIGEST TIME, NULL}, /* as RFC 5652 11.4 has it */
	    {TYPE DIGEST,
		"no signingTime among the countersignature's signed attributes"},
	    {TYPE TIME, "no messageDigest among the signed attributes"},
	    {TYPE SHORT_DIGEST TIME,
		"countersignature's messageDigest has 1 bytes, sha1 has 20"},
	    {TYPE DIGEST TIME TIME, "signingTime attribute stands twice"},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf info = {0};
		AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
		struct kd_err e = {0};
		bool good;

		put_info(&info, cases[i].attrs);
		good = tsp_read_countersignature(info.p, info.len, NULL, &s, &e);
		if (good != (cases[i].msg == NULL) ||
		    (!good &&
			(e.code != KD_E_FORMAT || strcmp(e.msg, cases[i].msg) != 0)))
			fail_msg("case %zu: %s", i, e.msg);
		if (good)
			assert_int_equal(s.time, 1700000000);
	}
}

static void
a_stamp_without_its_certificate_or_of_other_content_is_refused(void **state)
{
	static const struct {
		const char *attrs, *msg;
	} cases[] = {
	    {TYPE DIGEST TIME, "the signer's certificate, serial 05, is not among the "
			       "embedded ones"},
	    {CTL_TYPE DIGEST TIME,
		"countersignature's contentType attribute is 1.3.6.1.4.1.311.10.1, "
		"1.2.840.113549.1.7.1 (data) expected"},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf info = {0};
		AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
		AUTO(chain_clear) struct chain chain = {0};
		struct kd_err e = {0}, why = {0};

		put_info(&info, cases[i].attrs);
		assert_true(tsp_read_countersignature(info.p, info.len, NULL, &s, &e));
		assert_false(tsp_check(&s, SIG, &e)); /* of another signature */
		assert_true(md_digest(s.md, SIG, s.imprint, &why));
		assert_false(tsp_check(&s, SIG, &why));
		assert_int_equal(why.code, KD_E_NOT_VERIFIED);
		assert_string_equal(why.msg, cases[i].msg);
		assert_true(tsp_check_chain(&s, NULL, &chain, &why));
		assert_false(chain_ok(&chain));
		assert_string_equal(chain.trust.detail,
		    "the timestamp's certificate, serial 05, is not among the embedded "
		    "ones");
	}
}

static void
reading_without_memory_is_an_ordinary_error(void **state)
{
	AUTO(buf_clear) struct buf answer = {0};
	bool done = false;
	(void)state;

	tsa_legacy_answer("tsa", TSA_RIGHT, MD_SHA256, SIG, &answer);
	for (long nth = 0; !done; nth++) {
		AUTO(buf_clear) struct buf request = {0};
		AUTO(buf_clear) struct buf info = {0};
		AUTO(certs_free) struct certs *certs = NULL;
		struct kd_err e = {0};

		kd_alloc_fail_at(nth);
		done = certs_new(&certs, &e) && tsp_legacy_encode(SIG, &request, &e) &&
		       tsp_legacy_parse(answer.p, answer.len, SIG, &info, certs, &e);
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
	    cmocka_unit_test(request_is_what_authenticode_wants),
	    cmocka_unit_test(answers_of_openssl_are_taken_in_every_form),
	    cmocka_unit_test(wrong_answers_are_refused_by_name),
	    cmocka_unit_test(garbage_is_called_so),
	    cmocka_unit_test(an_answer_over_the_limit_is_not_read),
	    cmocka_unit_test(every_flipped_bit_is_found),
	    cmocka_unit_test(an_rsa_block_with_the_bare_digest_is_taken),
	    cmocka_unit_test(attributes_that_a_countersignature_needs),
	    cmocka_unit_test(
		a_stamp_without_its_certificate_or_of_other_content_is_refused),
	    cmocka_unit_test(reading_without_memory_is_an_ordinary_error),
	};

	return cmocka_run_group_tests_name("tsp_legacy", tests, NULL, NULL);
}
