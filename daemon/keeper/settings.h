/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/settings.h - the configuration: its table, and what was checked and read
 * from it. */
#ifndef KD_KEEPER_SETTINGS_H
#define KD_KEEPER_SETTINGS_H
#include <stdint.h>
#include <sys/types.h>

#include "authenticode/cert.h"
#include "authenticode/cms.h"
#include "base/conf.h"
#include "daemon/keeper/identity.h"
#include "daemon/keeper/policy.h"
#include "wire/signer_msg.h"

struct signer_conf { /* [signer NAME] */
	char *name;
	char *socket, *user;
	uint64_t window;
};
#define SETTINGS_KEY_SIGNERS_MAX 16
struct key_conf { /* [key NAME] */
	char *name;
	struct conf_list signers, certificates, cross;
	char *retire;
};
struct grant_conf { /* [grant NAME] */
	char *name;
	struct conf_list certs, spkis, issuers, subjects, keys, kinds, digests;
	bool timestamps;
};
struct keeper_conf { /* as the file says it */
	struct keeper_main {
		char *socket, *front_user, *user, *store, *client_ca, *client_crl;
		uint64_t frame_limit, bytes_in_flight, queue_limit, store_reserve, threads;
		uint64_t record_deadline, sign_deadline, work_deadline;
	} main;
	struct conf_array signers, keys, grants;
};
extern const struct conf_section settings_sections[];

/* A key and all that is needed to check and assemble its signatures; read-only, so any
 * thread. */
struct key {
	char name[API_KEY_NAME_MAX + 1];
	const struct signer_conf *signers[SETTINGS_KEY_SIGNERS_MAX];
	size_t signers_n;
	struct certs *chain;   /* [0] leaf, then intermediates, then cross-certificates */
	struct cert_info info; /* of the leaf */
	struct cert_key *verifier;
	struct cms_signer *assembler;
	struct buf spki;
	int64_t retire;           /* Unix seconds from which on it signs no more; 0: never */
	struct buf chain_der;     /* what the record keeps: u32 length and DER of each */
	uint8_t chain_sha256[32]; /* of chain_der */
	enum sign_mechanism mechanism;
};

/*
 * One generation. Requests hold the one they began under. Counted by the loop's thread,
 * which alone takes and drops references; workers only read keys.
 */
struct settings {
	unsigned refs;
	struct keeper_conf conf;
	uid_t front_uid;
	uid_t *signer_uids; /* one per signer, in the order of conf.signers */
	struct key *keys;
	size_t keys_n;
	const char **key_names;
	struct policy_grant *grants;
	struct policy policy; /* borrows from the fields above */
	struct identity_trust *trust;
	uint8_t
	    sha256[32]; /* of the effective values as printed: says which rules applied */
};

/*
 * settings_load - read and check the configuration and every file it names.
 *
 * ret  one reference, settings_drop
 * Errors: KD_E_CONFIG "'keeper.conf': [grant farm]: ..."; KD_E_FILE, KD_E_FORMAT as
 * KD_E_CONFIG.
 */
bool settings_load(const char *path, struct settings **ret, struct kd_err *e) KD_MUST;
struct settings *settings_hold(struct settings *s);
void settings_drop(struct settings *s);
AUTO_DEFINE(struct settings, settings_drop);
const struct key *settings_key(
    const struct settings *s, const char *name); /* NULL when none */
/* Of its certificate, and the one on which it retires. KD_E_KEY_RETIRED, KD_E_CERT_INVALID
 * (expired, not yet valid). */
bool settings_key_check_dates(
    const struct key *k, int64_t now_unix, struct kd_err *e) KD_MUST;
const struct signer_conf *settings_signer(const struct settings *s, size_t i);
size_t settings_signers_n(const struct settings *s);
#endif
