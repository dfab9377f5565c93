/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/tsa_ask.h - the authorities of tests/e2e/tsa.sh, asked without
 * any network, and their answers taken apart and signed again. */
#ifndef KD_TEST_TSA_ASK_H
#define KD_TEST_TSA_ASK_H
#include <stddef.h>
#include <stdint.h>

#include "authenticode/cms_outer.h"
#include "authenticode/tsp.h"
#include "tests/mock/tsa_make.h"

/* All of these fail the running test when they cannot do their work. */

/* "root.pem" → its path, in a buffer of the call's own site. */
#define TSA(name) tsa_path((char[512]){0}, (name))
const char *tsa_path(char dst[512], const char *name);
struct certs *tsa_certs(const char *name);

/* What authority signer answers over that signature value. */
void tsa_answer(const char *signer, enum tsa_twist twist, enum md md,
    const uint8_t *signature, size_t len, struct tsp_query *ret_query, struct buf *ret);
void tsa_legacy_answer(const char *signer, enum tsa_twist twist, enum md md,
    const uint8_t *signature, size_t len, struct buf *ret);
/* The same, right ones, taken: token; SignerInfo and its certificates. */
void tsa_token(const char *signer, const uint8_t *signature, size_t len, struct buf *ret);
void tsa_countersignature(const uint8_t *signature, size_t len, struct buf *ret,
    struct certs *ret_certs);

/* Does p point into that element? */
bool tsa_inside(const uint8_t *p, const struct tlv *t);
/* A token's only SignerInfo, borrowed. */
struct cms_signer_info tsa_signer(const struct buf *token);
/*
 * Replaces a SignerInfo's signature by one over these attributes (content octets of the
 * SET), made with NAME.key of RSA; in place, as it has the same length.
 */
enum tsa_block { TSA_DIGEST_INFO, TSA_BARE };
void tsa_sign_again(const struct cms_signer_info *s, const char *name,
    enum tsa_block block, const uint8_t *attrs, size_t len);
#endif
