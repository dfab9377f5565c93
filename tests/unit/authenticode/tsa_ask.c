/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/tsa_ask.c - the authorities of tests/e2e/tsa.sh, asked without
 * any network, and their answers taken apart and signed again. */
#include "tests/unit/authenticode/tsa_ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

const char *
tsa_path(char dst[512], const char *name)
{
	const char *dir = getenv("builddir");

	(void)snprintf(
	    dst, 512, "%s/tests/unit/authenticode/tsa/%s", dir != NULL ? dir : ".", name);
	return dst;
}

struct certs *
tsa_certs(const char *name)
{
	struct certs *c = NULL;
	struct kd_err e = {0};

	if (!certs_new(&c, &e) || !certs_load(c, TSA(name), &e))
		fail_msg("%s", e.msg);
	return c;
}

static struct tsa_order
order(const char *signer, enum tsa_twist twist, enum md md, char dir[512])
{
	return (struct tsa_order){tsa_path(dir, ""), signer, md_name(md), twist};
}

void
tsa_answer(const char *signer, enum tsa_twist twist, enum md md, const uint8_t *signature,
    size_t len, struct tsp_query *ret_query, struct buf *ret)
{
	AUTO(buf_clear) struct buf query = {0};
	char dir[512];
	struct tsa_order o = order(signer, twist, md, dir);
	struct kd_err e = {0};

	if (!tsp_query_new(md, signature, len, ret_query, &e) ||
	    !tsp_query_encode(ret_query, &query, &e) ||
	    !tsa_make_rfc3161(&o, &query, ret, &e))
		fail_msg("%s", e.msg);
}

void
tsa_legacy_answer(const char *signer, enum tsa_twist twist, enum md md,
    const uint8_t *signature, size_t len, struct buf *ret)
{
	AUTO(buf_clear) struct buf request = {0};
	char dir[512];
	struct tsa_order o = order(signer, twist, md, dir);
	struct kd_err e = {0};

	if (!tsp_legacy_encode(signature, len, &request, &e) ||
	    !tsa_make_legacy(&o, &request, ret, &e))
		fail_msg("%s", e.msg);
}

void
tsa_token(const char *signer, const uint8_t *signature, size_t len, struct buf *ret)
{
	AUTO(buf_clear) struct buf answer = {0};
	struct tsp_query q;
	struct kd_err e = {0};

	tsa_answer(signer, TSA_RIGHT, MD_SHA256, signature, len, &q, &answer);
	if (!tsp_answer_parse(answer.p, answer.len, &q, ret, &e))
		fail_msg("%s", e.msg);
}

void
tsa_countersignature(
    const uint8_t *signature, size_t len, struct buf *ret, struct certs *ret_certs)
{
	AUTO(buf_clear) struct buf answer = {0};
	struct kd_err e = {0};

	tsa_legacy_answer("tsa", TSA_RIGHT, MD_SHA256, signature, len, &answer);
	if (!tsp_legacy_parse(answer.p, answer.len, signature, len, ret, ret_certs, &e))
		fail_msg("%s", e.msg);
}

bool
tsa_inside(const uint8_t *p, const struct tlv *t)
{
	return t->p != NULL && p >= t->p && p < t->p + t->len;
}

struct cms_signer_info
tsa_signer(const struct buf *token)
{
	struct cms_signer_info s;
	struct kd_err e = {0};
	struct cms_outer o;
	struct tlv info;

	assert_true(cms_outer_open(token->p, token->len, &o, &e) &&
		    der_next(&o.signer_infos.body, "SignerInfo", &info, &e) &&
		    cms_signer_info_parse(info.body, &s, &e));
	return s;
}

void
tsa_sign_again(const struct cms_signer_info *s, const char *name, enum tsa_block block,
    const uint8_t *attrs, size_t len)
{
	AUTO(buf_clear) struct buf set = {0};
	uint8_t digest[MD_LEN_MAX], sig[1024];
	size_t n = sizeof(sig);
	struct kd_err e = {0};
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key;
	char file[64];
	FILE *f;

	(void)snprintf(file, sizeof(file), "%s.key", name);
	f = fopen(TSA(file), "r");
	assert_non_null(f);
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	(void)fclose(f);
	assert_non_null(key);
	der_put(&set, DER_SET, attrs, len);
	assert_true(md_digest(s->md, set.p, set.len, digest, &e));
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
	if (block == TSA_DIGEST_INFO)
		assert_int_equal(EVP_PKEY_CTX_set_signature_md(
				     ctx, EVP_get_digestbyname(md_name(s->md))),
		    1);
	assert_int_equal(EVP_PKEY_sign(ctx, sig, &n, digest, md_len(s->md)), 1);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	assert_int_equal(n, s->signature.body.len);
	memcpy((void *)(uintptr_t)s->signature.body.p, sig, n);
}
