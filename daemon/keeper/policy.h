/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/policy.h - who may sign what with which key. Pure: no clock, no files, no
 * state. */
#ifndef KD_KEEPER_POLICY_H
#define KD_KEEPER_POLICY_H
#include <stdint.h>

#include "base/error.h"
#include "daemon/keeper/identity.h"
#include "wire/api.h"

struct policy_bytes { /* a value of varying length; borrowed */
	const uint8_t *p;
	size_t len;
};

/*
 * One grant. A client is meant when its certificate or its public key is listed, or when
 * both its issuer and its exact subject are. Arrays are borrowed from the settings.
 */
struct policy_grant {
	char name[API_KEY_NAME_MAX + 1];
	const uint8_t (*certs)[32];
	size_t certs_n;
	const uint8_t (*spkis)[32];
	size_t spkis_n;
	const uint8_t (*issuers)[32];
	size_t issuers_n;
	const struct policy_bytes *subjects; /* DER */
	size_t subjects_n;
	const char *const *keys;
	size_t keys_n;
	unsigned kinds;   /* bit 1 << enum api_kind */
	unsigned digests; /* bit 1 << enum md */
	bool timestamps;  /* may ask the relay */
};

struct policy {
	const struct policy_grant *grants;
	size_t grants_n;
	const char *const *keys; /* names of all configured keys */
	size_t keys_n;
};

bool policy_grant_means(const struct policy_grant *g, const struct identity *who);
bool policy_grant_has_key(const struct policy_grant *g, const char *key);

/*
 * policy_decide - may this client have all of this request signed, by which key, by which
 * grants.
 *
 * Each item needs a grant that covers the key, its kind and its digest algorithm together.
 * The first one that covers all items is used for all, else for each the first that covers
 * it. Where the request names no key, the client's only granted one is used.
 *
 * ret_key     borrowed from p
 * ret_grants  one for each item, borrowed from p; of no use after a failure
 * Errors: KD_E_KEY_UNKNOWN, KD_E_DENIED, KD_E_KEY_AMBIGUOUS (lists the keys); each says
 * which.
 */
bool policy_decide(const struct policy *p, const struct identity *who,
    const struct api_sign_request *r, const char **ret_key,
    const struct policy_grant **ret_grants, struct kd_err *e) KD_MUST;

/* May this client have the relay ask for timestamps: does any of its grants say so.
 * KD_E_DENIED. */
bool policy_timestamps(
    const struct policy *p, const struct identity *who, struct kd_err *e) KD_MUST;

struct policy_scope { /* what a client may do with one key, over all of its grants */
	unsigned kinds, digests;
};
/* Both zero when the key is not granted. */
struct policy_scope policy_scope_of(
    const struct policy *p, const struct identity *who, const char *key);
#endif
