/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/tsp_ask.c - RFC 3161: the request, and whether the answer is one. */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "authenticode/cert_x509.h"
#include "authenticode/oid.h"
#include "authenticode/tsp.h"
#include "authenticode/tsp_signer.h"
#include "base/num.h"
#include "base/text.h"

#define STATUS_GRANTED 0
#define STATUS_GRANTED_WITH_MODS 1

bool
tsp_query_new(enum md md, const uint8_t *signature, size_t len, struct tsp_query *ret,
    struct kd_err *e)
{
	struct tsp_query q = {.md = md};

	if (!md_digest(md, signature, len, q.imprint, e))
		return false;
	if (RAND_bytes(q.nonce, sizeof(q.nonce)) != 1)
		return cert_fail_openssl(e, KD_E_CRYPTO, "no random bytes for a nonce");
	*ret = q;
	return true;
}

/* A number's octets without the leading zeros that DER does not want. */
static void
skip_zeros(const uint8_t **p, size_t *n)
{
	while (*n > 1 && **p == 0) {
		++*p;
		--*n;
	}
}

/* A positive INTEGER (X.690 8.3). */
static void
put_unsigned(struct buf *b, const uint8_t *p, size_t n)
{
	size_t m = der_begin(b, DER_INTEGER);

	skip_zeros(&p, &n);
	if (p[0] >= 0x80)
		buf_u8(b, 0);
	buf_add(b, p, n);
	der_end(b, m);
}

bool
tsp_query_encode(const struct tsp_query *q, struct buf *ret, struct kd_err *e)
{
	size_t request = der_begin(ret, DER_SEQUENCE), imprint;

	der_put(ret, DER_INTEGER, "\1", 1);
	imprint = der_begin(ret, DER_SEQUENCE);
	oid_put_md(ret, q->md);
	der_put(ret, DER_OCTET_STRING, q->imprint, md_len(q->md));
	der_end(ret, imprint);
	put_unsigned(ret, q->nonce, sizeof(q->nonce));
	der_put(ret, DER_BOOLEAN, "\xff", 1); /* certReq */
	der_end(ret, request);
	return buf_ok(ret, "timestamp request", e);
}

static const char *const statuses[] = {"granted", "granted with modifications",
    "rejection", "waiting", "revocation warning", "revocation notification"};

/* PKIFailureInfo (RFC 3161 2.4.2), by bit. */
static const struct {
	unsigned bit;
	const char *words;
} failures[] = {
    {0, "the digest algorithm is not supported (badAlg)"},
    {2, "the request is not permitted (badRequest)"},
    {5, "the request is malformed (badDataFormat)"},
    {14, "its time source is not available (timeNotAvailable)"},
    {15, "the policy is not supported (unacceptedPolicy)"},
    {16, "an extension is not supported (unacceptedExtension)"},
    {17, "additional information is not available (addInfoNotAvailable)"},
    {25, "system failure (systemFailure)"},
};

/* BIT STRING: the number of unused bits, then bit 0 as the first octet's highest. */
static void
put_failures(struct buf *b, const struct tlv *info)
{
	for (size_t i = 0; info->p != NULL && i < KD_ARRAY_LEN(failures); i++) {
		size_t at = 1 + failures[i].bit / 8;

		if (at < info->body.len &&
		    (info->body.p[at] & (0x80 >> failures[i].bit % 8)) != 0)
			buf_printf(b, "; %s", failures[i].words);
	}
}

/* PKIFreeText ::= SEQUENCE OF UTF8String: the authority's own words. */
static bool
put_words(struct buf *b, struct tlv text, struct kd_err *e)
{
	char shown[SHOW_LEN];
	struct tlv t;

	while (text.p != NULL && rd_left(&text.body) > 0) {
		if (!der_want(&text.body, DER_UTF8_STRING, "statusString", &t, e))
			return false;
		buf_printf(b, "; '%s'",
		    text_show(
			shown, sizeof(shown), (const char *)t.body.p, t.body.len));
	}
	return true;
}

/* PKIStatusInfo ::= SEQUENCE { status INTEGER, statusString OPTIONAL, failInfo OPTIONAL }
 */
static bool
check_status(struct tlv info, struct kd_err *e)
{
	AUTO(buf_clear) struct buf why = {0};
	struct tlv status, text, failure;

	if (!der_want(&info.body, DER_INTEGER, "PKIStatus", &status, e) ||
	    !der_opt(&info.body, DER_SEQUENCE, "statusString", &text, e) ||
	    !der_opt(&info.body, DER_BIT_STRING, "failInfo", &failure, e) ||
	    !der_done(&info.body, "PKIStatusInfo", e))
		return false;
	if (status.body.len != 1 || status.body.p[0] >= KD_ARRAY_LEN(statuses))
		return kd_fail(e, KD_E_FORMAT, "PKIStatus is none of RFC 3161's");
	if (status.body.p[0] <= STATUS_GRANTED_WITH_MODS)
		return true;
	buf_str(&why, statuses[status.body.p[0]]);
	if (!put_words(&why, text, e))
		return false;
	put_failures(&why, &failure);
	if (!buf_ok(&why, "status", e))
		return false;
	return kd_fail(e, KD_E_UNREACHABLE, "the authority refuses: %s", buf_cstr(&why));
}

/* TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken OPTIONAL } */
static bool
open_answer(const uint8_t *p, size_t len, struct tlv *ret_token, struct kd_err *e)
{
	struct rd r = rd_init(p, len);
	struct tlv answer, status;

	if (len > TSP_ANSWER_MAX)
		return kd_fail(e, KD_E_LIMIT, "answer of %zu bytes, at most %zu allowed",
		    len, TSP_ANSWER_MAX);
	if (!der_want(&r, DER_SEQUENCE, "TimeStampResp", &answer, e) ||
	    !der_done(&r, "TimeStampResp", e) ||
	    !der_want(&answer.body, DER_SEQUENCE, "PKIStatusInfo", &status, e) ||
	    !check_status(status, e))
		return false;
	if (rd_left(&answer.body) == 0)
		return kd_fail(e, KD_E_FORMAT, "granted, but there is no timeStampToken");
	return der_want(&answer.body, DER_SEQUENCE, "timeStampToken", ret_token, e) &&
	       der_done(&answer.body, "TimeStampResp", e);
}

static bool
check_nonce(const struct tsp_query *q, const struct tsp_stamp *s, struct kd_err *e)
{
	char seen[2 * TSP_NONCE_LEN + 3], right[2 * TSP_NONCE_LEN + 1];
	const uint8_t *ours = q->nonce, *theirs = s->nonce;
	size_t ours_len = sizeof(q->nonce), theirs_len = s->nonce_len;

	if (theirs == NULL)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "no nonce in the answer: it may be an old one");
	skip_zeros(&ours, &ours_len);
	skip_zeros(&theirs, &theirs_len);
	if (ours_len == theirs_len && memcmp(ours, theirs, ours_len) == 0)
		return true;
	text_hex_to(right, ours, ours_len);
	text_hex_to(
	    seen, theirs, theirs_len <= TSP_NONCE_LEN ? theirs_len : TSP_NONCE_LEN);
	return kd_fail(e, KD_E_NOT_VERIFIED,
	    "nonce in the answer is %s, %s was sent: it answers another request", seen,
	    right);
}

static bool
check_imprint(const struct tsp_query *q, const struct tsp_stamp *s, struct kd_err *e)
{
	char seen[2 * MD_LEN_MAX + 1], right[2 * MD_LEN_MAX + 1];

	if (s->md == q->md && memcmp(s->imprint, q->imprint, md_len(q->md)) == 0)
		return true;
	text_hex_to(seen, s->imprint, md_len(s->md));
	text_hex_to(right, q->imprint, md_len(q->md));
	return kd_fail(e, KD_E_NOT_VERIFIED, "imprint in the answer is %s %s, not %s %s",
	    md_name(s->md), seen, md_name(q->md), right);
}

bool
tsp_answer_parse(const uint8_t *p, size_t len, const struct tsp_query *q,
    struct buf *ret_token, struct kd_err *e)
{
	AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
	struct tlv token;

	if (!open_answer(p, len, &token, e) ||
	    !tsp_read_token(token.p, token.len, &s, e) || !check_nonce(q, &s, e) ||
	    !check_imprint(q, &s, e) || !tsp_check_own(&s, e) ||
	    !tsp_check_signer(&s, e))
		return false;
	buf_add(ret_token, token.p, token.len);
	return buf_ok(ret_token, "timestamp token", e);
}
