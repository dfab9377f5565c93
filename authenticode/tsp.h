/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/tsp.h - timestamps of signatures: asked for, read, checked; tokens of RFC
 * 3161, and the older countersignatures of Authenticode. */
#ifndef KD_TSP_H
#define KD_TSP_H
#include <stddef.h>
#include <stdint.h>

#include "authenticode/cert.h"
#include "authenticode/chain.h"
#include "authenticode/cms.h"
#include "base/builder.h"
#include "base/md.h"

enum tsp_kind { TSP_NONE, TSP_RFC3161, TSP_LEGACY };
const char *tsp_kind_name(enum tsp_kind kind); /* "none", "rfc3161", "legacy" */

#define TSP_NONCE_LEN 8
/* An authority's answer, of either kind; real ones have 3 to 8 KiB. */
#define TSP_ANSWER_MAX ((size_t)64 << 10)

/* What a TimeStampReq asks: of the signature value, under md. */
struct tsp_query {
	enum md md;
	uint8_t imprint[MD_LEN_MAX];
	uint8_t nonce[TSP_NONCE_LEN]; /* big-endian, positive */
};
/* imprint of the signature value, and a fresh nonce. KD_E_CRYPTO. */
bool tsp_query_new(enum md md, const uint8_t *signature, size_t len,
    struct tsp_query *ret, struct kd_err *e) KD_MUST;
/* Appends the DER TimeStampReq, with certReq TRUE. KD_E_NOMEM. Spec: RFC 3161 2.4.1. */
bool tsp_query_encode(
    const struct tsp_query *q, struct buf *ret, struct kd_err *e) KD_MUST;

/*
 * tsp_answer_parse - is this TimeStampResp the answer to q, and fit to be embedded?
 *
 * Status, nonce, imprint, the token's own signature, its certificate's EKU
 * timeStamping and dates at genTime. Not whether anybody trusts that certificate:
 * tsp_check_chain.
 *
 * ret_token  the DER ContentInfo appended on success, else untouched
 * Errors: KD_E_FORMAT (garbage), KD_E_LIMIT (TSP_ANSWER_MAX), KD_E_UNREACHABLE (refused:
 *         the authority's words), KD_E_NOT_VERIFIED (another nonce, imprint, certificate
 *         ...), KD_E_NOMEM, KD_E_CRYPTO.
 * Spec:   RFC 3161 2.4.2.
 */
bool tsp_answer_parse(const uint8_t *p, size_t len, const struct tsp_query *q,
    struct buf *ret_token, struct kd_err *e) KD_MUST;

/* Appends the base64 text that is POSTed. KD_E_NOMEM. Spec: facts 10.1. */
bool tsp_legacy_encode(
    const uint8_t *signature, size_t len, struct buf *ret, struct kd_err *e) KD_MUST;
/*
 * tsp_legacy_parse - is this answer a countersignature over that signature value?
 *
 * p          base64 (blanks, line ends and NULs anywhere) or DER of a PKCS #7 SignedData;
 *            its first SignerInfo counts
 * ret_info   that SignerInfo as it stands is appended on success, else untouched
 * ret_certs  the answer's certificates but the self-signed ones are added on success
 * Checked and refused as by tsp_answer_parse.
 */
bool tsp_legacy_parse(const uint8_t *p, size_t len, const uint8_t *signature,
    size_t sig_len, struct buf *ret_info, struct certs *ret_certs,
    struct kd_err *e) KD_MUST;
/* The answer without its base64, if it has any, appended. KD_E_FORMAT, KD_E_LIMIT,
 * KD_E_NOMEM. */
bool tsp_legacy_der(
    const uint8_t *p, size_t len, struct buf *ret, struct kd_err *e) KD_MUST;

/* A timestamp read; pointers inside cms borrow from the bytes parsed. */
struct tsp_stamp {
	enum tsp_kind kind;
	int64_t time; /* genTime or signingTime, Unix seconds; fractions cut off */
	enum md md;   /* of the imprint; legacy: of the countersignature */
	uint8_t imprint[MD_LEN_MAX];  /* of the signature value that is stamped */
	struct certs *certs;          /* the token's, or the outer ones; inside cms */
	size_t signer;                /* index into certs, or SIZE_MAX when not there */
	const uint8_t *nonce;         /* content octets; NULL when absent; borrowed */
	size_t nonce_len;
	struct cms cms; /* signature algorithm, attributes ...; owned */
};
void tsp_stamp_clear(struct tsp_stamp *s);
AUTO_DEFINE_CLEAR(struct tsp_stamp, tsp_stamp_clear);
/*
 * tsp_read_token, tsp_read_countersignature - what it says; nothing is checked yet.
 *
 * Bytes after the element are refused. outer: where the countersigner's certificate is
 * looked for; copied.
 * Errors: KD_E_FORMAT, KD_E_LIMIT, KD_E_NOMEM.
 * Spec:   RFC 3161 2.4.2; PKCS #9 5.6, facts 10.1.
 */
bool tsp_read_token(
    const uint8_t *der, size_t len, struct tsp_stamp *ret, struct kd_err *e) KD_MUST;
bool tsp_read_countersignature(const uint8_t *signer_info, size_t len,
    const struct certs *outer, struct tsp_stamp *ret, struct kd_err *e) KD_MUST;
/*
 * tsp_check - does the timestamp cover this signature value, and is it itself signed by
 * the certificate that it names?
 *
 * Attributes are taken as encoded: some real tokens have them unsorted. A legacy RSA
 * block may hold the bare digest.
 * Errors: KD_E_NOT_VERIFIED, one sentence that names what does not match; KD_E_NOMEM,
 *         KD_E_CRYPTO.
 */
bool tsp_check(const struct tsp_stamp *s, const uint8_t *signature, size_t len,
    struct kd_err *e) KD_MUST;
/*
 * tsp_check_chain - is it from somebody whom these roots vouch for?
 *
 * The chain (chain_find_tsa) at the timestamp's own time, the verdict in ret: chain_ok().
 * Filled on true, whatever the verdict; the caller clears it. The time it says is only
 * worth something when both tsp_check and this are satisfied.
 * Errors: KD_E_NOMEM, KD_E_CRYPTO, KD_E_FORMAT (a certificate's time that is none).
 */
bool tsp_check_chain(const struct tsp_stamp *s, const struct certs *roots,
    struct chain *ret, struct kd_err *e) KD_MUST;
#endif
