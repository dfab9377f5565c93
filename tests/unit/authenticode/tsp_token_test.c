/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/tsp_token_test.c - RFC 3161 tokens as they stand in files: odd
 * ones that are right, forged ones, costly ones. */
#include "config.h" /* KD_SANITIZE */

#include "authenticode/tsp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

#include "authenticode/der.h"
#include "base/file.h"
#include "base/num.h"
#include "tests/unit/authenticode/demo_pki.h"
#include "tests/unit/authenticode/tsa_ask.h"

static const uint8_t signature[] =
    "what a signer's token gave; nobody here looks into it";
#define SIG signature, sizeof(signature)

/* The certificate set as it is, and an attribute certificate in it. */
static void
put_with_attribute_certificate(const struct buf *token, struct buf *ret)
{
	AUTO(buf_clear) struct buf set = {0};
	struct cms_outer o;
	struct kd_err e = {0};
	size_t m;

	assert_true(cms_outer_open(token->p, token->len, &o, &e));
	m = der_begin(&set, DER_C0);
	buf_add(&set, "\xa1\3\2\1\5", 5);
	buf_add(&set, o.certificates.body.p, o.certificates.body.len);
	der_end(&set, m);
	o.certificates.p = set.p;
	o.certificates.len = set.len;
	o.certificates.body = rd_init(set.p, set.len);
	assert_true(der_next(&o.certificates.body, "set", &o.certificates, &e));
	assert_true(cms_outer_put(&o, NULL, ret, &e));
}

static void
attribute_certificates_in_the_set_are_passed_over(void **state)
{
	AUTO(buf_clear) struct buf token = {0};
	AUTO(buf_clear) struct buf more = {0};
	AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
	struct kd_err e = {0};
	(void)state;

	tsa_token("tsa", SIG, &token);
	put_with_attribute_certificate(&token, &more);
	assert_true(tsp_read_token(more.p, more.len, &s, &e));
	assert_int_equal(certs_n(s.certs), 3);
	assert_true(tsp_check(&s, SIG, &e));
}

/* The attributes turned round in place; the signature made again over them as encoded, or
 * as DER would have them. */
static void
attributes_count_as_they_are_encoded(void **state)
{
	(void)state;
	for (int as_encoded = 0; as_encoded < 2; as_encoded++) {
		AUTO(buf_clear) struct buf token = {0};
		AUTO(buf_clear) struct buf turned = {0};
		AUTO(buf_clear) struct buf sorted = {0};
		AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
		struct cms_signer_info info;
		struct cms_attribute a, v[8];
		struct kd_err e = {0};
		struct rd r;
		size_t n = 0;

		tsa_token("tsa", SIG, &token);
		info = tsa_signer(&token);
		buf_add(&sorted, info.attrs.body.p, info.attrs.body.len);
		for (r = info.attrs.body; rd_left(&r) > 0; v[n++] = a)
			assert_true(n < 8 && cms_attribute_next(&r, "attr", &a, &e));
		while (n-- > 0)
			buf_add(&turned, v[n].p, v[n].len);
		memcpy((void *)(uintptr_t)info.attrs.body.p, turned.p, turned.len);
		tsa_sign_again(&info, "tsa", TSA_DIGEST_INFO,
		    as_encoded ? turned.p : sorted.p, sorted.len);
		assert_true(tsp_read_token(token.p, token.len, &s, &e));
		assert_int_equal(tsp_check(&s, SIG, &e), as_encoded);
		if (!as_encoded)
			assert_int_equal(e.code, KD_E_NOT_VERIFIED);
	}
}

static void
a_bare_digest_is_no_token_signature(void **state)
{
	AUTO(buf_clear) struct buf token = {0};
	AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
	struct cms_signer_info info;
	struct kd_err e = {0};
	(void)state;

	tsa_token("tsa", SIG, &token);
	info = tsa_signer(&token);
	tsa_sign_again(
	    &info, "tsa", TSA_BARE, info.attrs.body.p, info.attrs.body.len);
	assert_true(tsp_read_token(token.p, token.len, &s, &e));
	assert_false(tsp_check(&s, SIG, &e));
	assert_int_equal(e.code, KD_E_NOT_VERIFIED);
}

static void
a_forged_token_is_refused_with_what_does_not_match(void **state)
{
	AUTO(buf_clear) struct buf token = {0};
	AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
	struct cms_signer_info info;
	struct kd_err other = {0}, forged = {0};
	(void)state;

	tsa_token("tsa", SIG, &token);
	assert_true(tsp_read_token(token.p, token.len, &s, &other));
	assert_false(tsp_check(&s, signature, sizeof(signature) - 1, &other));
	assert_int_equal(other.code, KD_E_NOT_VERIFIED);
	assert_true(strncmp(other.msg, "it is of another signature: it says sha256 ",
			43) == 0);
	info = tsa_signer(&token); /* the key of somebody else */
	tsa_sign_again(
	    &info, "other", TSA_DIGEST_INFO, info.attrs.body.p, info.attrs.body.len);
	assert_false(tsp_check(&s, SIG, &forged));
	assert_int_equal(forged.code, KD_E_NOT_VERIFIED);
	assert_true(strncmp(forged.msg,
			"signature does not verify with the certificate's key", 52) == 0);
}

/* openssl cms makes tokens that openssl ts would not. */
static void
tokens_of_other_makes(void **state)
{
	static const struct {
		const char *options, *msg;
	} cases[] = {
	    {"-cades", NULL},
	    {"-cades -keyid", NULL},
	    {"", "the token lacks the signingCertificate attribute"},
	    {"-cades -nocerts", "the signer's certificate, serial "},
	};
	AUTO(buf_clear) struct buf token = {0};
	struct kd_err e = {0};
	char info[512], dir[512];
	struct cms_outer o;
	struct tlv type, explicit, content;
	(void)state;

	tsa_token("tsa", SIG, &token);
	assert_true(cms_outer_open(token.p, token.len, &o, &e) &&
		    der_next(&o.content_info.body, "type", &type, &e) &&
		    der_next(&o.content_info.body, "explicit", &explicit, &e) &&
		    der_next(&explicit.body, "content", &content, &e));
	demo_write("info", content.body.p, content.body.len, info);
	(void)tsa_path(dir, "");
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf made = {0};
		AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
		struct kd_err why = {0};
		char out[512];

		demo_write("made", "", 0, out);
		assert_int_equal(
		    demo_run("openssl cms -sign -binary -nodetach -nosmimecap %s "
			     "-econtent_type 1.2.840.113549.1.9.16.1.4 -outform DER "
			     "-signer %s/tsa.pem -inkey %s/tsa.key -in %s -out %s",
			cases[i].options, dir, dir, info, out),
		    0);
		assert_true(file_read_all(out, TSP_ANSWER_MAX, &made, &why));
		if (!tsp_read_token(made.p, made.len, &s, &why))
			fail_msg("case %zu: %s", i, why.msg);
		if (tsp_check(&s, SIG, &why) != (cases[i].msg == NULL) ||
		    (cases[i].msg != NULL &&
			strncmp(why.msg, cases[i].msg, strlen(cases[i].msg)) != 0))
			fail_msg("case %zu: %s", i, why.msg);
	}
}

static void
what_is_no_token_is_named(void **state)
{
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
	static const uint8_t digest[MD_LEN_MAX];
	static const struct demo_signature how = {
	    "rsa2048", "rsa2048.pem", MD_SHA256, NULL, NULL};
	struct kd_err e = {0};
	(void)state;

	demo_cms(&how, digest, &cms, NULL);
	assert_false(tsp_read_token(cms.p, cms.len, &s, &e));
	assert_int_equal(e.code, KD_E_FORMAT);
	assert_string_equal(e.msg, "content type is 1.3.6.1.4.1.311.2.1.4, "
				   "1.2.840.113549.1.9.16.1.4 (TSTInfo) expected");
	assert_int_equal(s.kind, TSP_NONE);
	assert_null(s.certs);
}

#define HOSTILE_BYTES_MAX ((long)64 << 20)

static size_t
index_of(const struct certs *c, const char *subject)
{
	struct cert_info info;
	struct kd_err e = {0};

	for (size_t i = 0; i < certs_n(c); i++)
		if (cert_info(c, i, &info, &e) && strcmp(info.subject, subject) == 0)
			return i;
	fail_msg("no '%s'", subject);
	return SIZE_MAX;
}

/* As many certificates as fit, each of which signed each: what a file can bring. */
static void
a_hostile_token_costs_little(void **state)
{
	AUTO(certs_free) struct certs *maze = demo_certs("maze-leaf.pem maze.pem");
	AUTO(certs_free) struct certs *roots = tsa_certs("root.pem");
	AUTO(buf_clear) struct buf token = {0};
	AUTO(buf_clear) struct buf hostile = {0};
	AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
	AUTO(chain_clear) struct chain chain = {0};
	struct kd_err e = {0};
	struct cms_outer o;
	struct rusage use;
	clock_t before;
	(void)state;

	tsa_token("tsa", SIG, &token);
	assert_true(cms_outer_open(token.p, token.len, &o, &e) &&
		    cms_outer_put(&o, maze, &hostile, &e));
	before = clock();
	assert_true(tsp_read_token(hostile.p, hostile.len, &s, &e));
	assert_true(tsp_check(&s, SIG, &e));
	assert_int_equal(certs_n(s.certs), 64);
	s.signer = index_of(s.certs, "CN=leaf of maze");
	assert_true(tsp_check_chain(&s, roots, &chain, &e));
	assert_false(chain_ok(&chain));
	assert_int_equal(getrusage(RUSAGE_SELF, &use), 0);
	assert_true(clock() - before < 2 * CLOCKS_PER_SEC); /* of CPU */
#ifndef KD_SANITIZE
	assert_true(use.ru_maxrss * 1024 < HOSTILE_BYTES_MAX);
#endif
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(attribute_certificates_in_the_set_are_passed_over),
	    cmocka_unit_test(attributes_count_as_they_are_encoded),
	    cmocka_unit_test(a_bare_digest_is_no_token_signature),
	    cmocka_unit_test(a_forged_token_is_refused_with_what_does_not_match),
	    cmocka_unit_test(tokens_of_other_makes),
	    cmocka_unit_test(what_is_no_token_is_named),
	    cmocka_unit_test(a_hostile_token_costs_little),
	};

	return cmocka_run_group_tests_name("tsp_token", tests, NULL, NULL);
}
