/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/signer_conf.h - the configuration of kdsign-signer: one table, read and checked.
 */
#ifndef KD_PKCS11_SIGNER_CONF_H
#define KD_PKCS11_SIGNER_CONF_H
#include <stdint.h>

#include "base/conf.h"
#include "base/error.h"
#include "base/own.h"
#include "pkcs11/cert_pin.h"

struct signer_key_conf { /* [key NAME] */
	char *name;
	char *uri;
	char *certificate;
	char cert_pin[CERT_PIN_MAX]; /* of that certificate; "" without one */
	struct conf_list relax;      /* words of enum custody_flaw */
};

struct signer_conf {
	char *socket, *keeper_user, *user;
	char *module, *module_sha256;
	struct conf_list module_environment, pre_start;
	char *token, *pin_file, *state_dir;
	bool pin_accept_count_low;
	uint64_t sessions, sign_deadline_ms, start_deadline_ms;
	uint64_t breaker_faults, breaker_window_ms, breaker_wait_ms, breaker_wait_max_ms;
	uint64_t starts_per_minute;
	uint64_t module_growth; /* bytes */
	struct conf_array keys; /* of struct signer_key_conf */
};

extern const struct conf_section signer_conf_sections[];

/*
 * signer_conf_load - read and check: URIs parse, the module is an absolute path to a file
 * that only its owner and root can write, its environment is NAME=VALUE, there is a key,
 * a certificate is one.
 *
 * ret  all-zero before; signer_conf_clear, also after a failure
 * Errors: KD_E_CONFIG, KD_E_FILE.
 */
bool signer_conf_load(
    const char *path, struct signer_conf *ret, struct kd_err *e) KD_MUST;
void signer_conf_clear(struct signer_conf *c);
AUTO_DEFINE_CLEAR(struct signer_conf, signer_conf_clear);
const struct signer_key_conf *signer_conf_key(const struct signer_conf *c, size_t i);
/* The flaws that may pass for this key: enum custody_flaw. */
uint32_t signer_conf_relaxed(const struct signer_key_conf *k);
#endif
