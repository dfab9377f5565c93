/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_tsp.c - any bytes taken for each thing that a timestamp authority may send:
 * answers of both kinds, a token, a countersignature. */
#include <stdint.h>
#include <stdlib.h>

#include "authenticode/tsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What the corpus' answers are of. */
static const uint8_t signature[] = {'s', 'i', 'g', 'n', 'a', 't', 'u', 'r', 'e'};

/* Every refusal must say why. */
static bool
told(bool ok, const struct kd_err *e)
{
	if (!ok && (e->code == KD_OK || e->msg[0] == '\0'))
		abort();
	return ok;
}

static void
judge(const struct tsp_stamp *s)
{
	AUTO(chain_clear) struct chain chain = {0};
	struct kd_err e = {0}, why = {0};

	(void)told(tsp_check(s, signature, sizeof(signature), &e), &e);
	if (told(tsp_check_chain(s, s->certs, &chain, &why), &why) && !chain_ok(&chain) &&
	    chain.trust.detail[0] == '\0')
		abort();
}

/* What is taken must be read again, and right. */
static void
answer(const uint8_t *p, size_t n)
{
	AUTO(buf_clear) struct buf token = {0};
	AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
	struct tsp_query q = {
	    .md = MD_SHA256, .nonce = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88}};
	struct kd_err e = {0};

	if (!md_digest(q.md, signature, sizeof(signature), q.imprint, &e))
		abort();
	if (told(tsp_answer_parse(p, n, &q, &token, &e), &e) &&
	    (!tsp_read_token(token.p, token.len, &s, &e) ||
		!tsp_check(&s, signature, sizeof(signature), &e)))
		abort();
}

static void
legacy(const uint8_t *p, size_t n)
{
	AUTO(buf_clear) struct buf info = {0};
	AUTO(certs_free) struct certs *certs = NULL;
	AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
	struct kd_err e = {0};

	if (!certs_new(&certs, &e))
		return;
	if (told(tsp_legacy_parse(p, n, signature, sizeof(signature), &info, certs, &e),
		&e) &&
	    (!tsp_read_countersignature(info.p, info.len, certs, &s, &e) ||
		!tsp_check(&s, signature, sizeof(signature), &e)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(tsp_stamp_clear) struct tsp_stamp token = {0};
	AUTO(tsp_stamp_clear) struct tsp_stamp info = {0};
	struct kd_err e = {0}, why = {0};

	answer(p, n);
	legacy(p, n);
	if (told(tsp_read_token(p, n, &token, &e), &e))
		judge(&token);
	if (told(tsp_read_countersignature(p, n, NULL, &info, &why), &why))
		judge(&info);
	return 0;
}
