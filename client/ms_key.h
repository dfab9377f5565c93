/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_key.h - signtool's choice of a certificate, made among the service's keys. */
#ifndef CLIENT_MS_KEY_H
#define CLIENT_MS_KEY_H
#include "authenticode/cert.h"
#include "base/builder.h"
#include "wire/api.h"

struct ms_criteria {
	const char *sha1;                    /* 40 hex digits; NULL: any, as all below */
	const char *subject, *issuer, *root; /* parts of names, in any case */
	const char *usage;                   /* dotted OID; NULL: code signing */
	bool best;                           /* of several, what is valid longest */
};

struct ms_key {
	const struct api_key *key; /* borrowed */
	struct cert_info cert;
};

struct ms_keys {
	struct ms_key *v; /* owned: those that are left, in the service's order */
	size_t n;
	size_t picked; /* which of them; meaningless unless ms_keys_choose was true */
	struct buf debug; /* what /debug prints: considered, and left after each filter */
};
void ms_keys_clear(struct ms_keys *k);
AUTO_DEFINE_CLEAR(struct ms_keys, ms_keys_clear);

#define MS_EKU_CODE_SIGNING "1.3.6.1.5.5.7.3.3"
#define MS_EKU_SYSTEM_COMPONENT "1.3.6.1.4.1.311.10.3.6"
/* The OID that /u means: a name of OpenSSL's or of signtool's manual, or dotted digits;
 * NULL when it is none of these. Constant, or word itself. */
const char *ms_usage_oid(const char *word);

/*
 * ms_keys_choose - the one key that meets all the criteria.
 *
 * What is left after the filters stays in ret->v also when that is none or several and
 * this is false: KD_E_KEY_UNKNOWN, KD_E_KEY_AMBIGUOUS, with signtool's sentence. Others:
 * KD_E_USAGE (thumbprint), KD_E_PROTOCOL (a certificate that is none), KD_E_NOMEM.
 *
 * keys  borrowed by ret
 * at    Unix seconds: the certificate must be valid then
 */
bool ms_keys_choose(const struct api_keys *keys, const struct ms_criteria *c, int64_t at,
    struct ms_keys *ret, struct kd_err *e) KD_MUST;

/* part, in any case, somewhere in text. */
bool ms_has_part(const char *text, const char *part);
/* Which file digest to use when /fd says none: the strongest habit among what is granted,
 * sha256 first, never sha1. MD_NONE: nothing but sha1 is granted. */
enum md ms_key_md(const struct api_key *key);
/* The digest of the certificate's own signature, /fd certHash; MD_NONE: another one. */
enum md ms_cert_md(const struct cert_info *c);
#endif
