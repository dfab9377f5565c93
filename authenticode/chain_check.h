/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/chain_check.h - the checks of one path; chain.c finds the paths. */
#ifndef KD_CHAIN_CHECK_H
#define KD_CHAIN_CHECK_H
#include "authenticode/cert_x509.h"
#include "authenticode/chain.h"

struct chain_path { /* borrowed; [0] is the leaf */
	const struct cert *v[CHAIN_MAX];
	size_t n;
};

/* The verdict is in ret; false is for KD_E_NOMEM, KD_E_CRYPTO, KD_E_FORMAT (no time). */
bool chain_check_trust(
    const struct chain_path *p, struct chain_check *ret, struct kd_err *e) KD_MUST;
bool chain_check_validity(const struct chain_path *p, int64_t at, struct chain_check *ret,
    struct kd_err *e) KD_MUST;
struct chain_use {            /* what the leaf must be good for */
	const char *eku;      /* "codeSigning" */
	uint32_t xku;         /* OpenSSL's bit of it */
	const char *ku;       /* "digitalSignature" */
	uint32_t ku_any;      /* OpenSSL's bits: one of these */
	const char *roots_by; /* the option that names anchors */
};
extern const struct chain_use chain_code_signing, chain_timestamping;

/* has_anchor: the last is a trust anchor, whose own extensions bind nobody (RFC 5280
 * section 6.1.1 d). */
void chain_check_eku(const struct chain_path *p, bool has_anchor,
    const struct chain_use *use, struct chain_check *ret);
void chain_check_key_usage(
    const struct chain_path *p, const struct chain_use *use, struct chain_check *ret);
#endif
