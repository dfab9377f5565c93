/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/signer_conf.c - the configuration of kdsign-signer: one table, read and checked.
 */
#include "pkcs11/signer_conf.h"

#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "pkcs11/breaker.h"
#include "pkcs11/module_check.h"
#include "pkcs11/prestart.h"
#include "pkcs11/share.h"
#include "pkcs11/uri.h"
#include "wire/custody.h"
#include "wire/signer_msg.h"

#define SECOND UINT64_C(1000)

static const struct conf_key top_keys[] = {
    {.name = "socket",
	.type = CONF_PATH,
	.offset = offsetof(struct signer_conf, socket),
	.dflt = "/run/kdsign/signer.sock",
	.help = "where the keeper connects, unless a socket is passed in"},
    {.name = "keeper-user",
	.type = CONF_STRING,
	.optional = true,
	.offset = offsetof(struct signer_conf, keeper_user),
	.help = "the only user who may connect; without it our own"},
    {.name = "user",
	.type = CONF_STRING,
	.optional = true,
	.offset = offsetof(struct signer_conf, user),
	.help = "whom to become when started as root"},
    {.name = "module",
	.type = CONF_STRING, /* no CONF_PATH: a relative one is a mistake */
	.offset = offsetof(struct signer_conf, module),
	.help = "the token vendor's PKCS#11 module, an absolute path"},
    {.name = "module-sha256",
	.type = CONF_STRING,
	.optional = true,
	.offset = offsetof(struct signer_conf, module_sha256),
	.help = "SHA-256 that the module's file must have"},
    {.name = "module-environment",
	.type = CONF_LIST,
	.optional = true,
	.offset = offsetof(struct signer_conf, module_environment),
	.help = "NAME=VALUE for the process that loads the module; one a line"},
    {.name = "pre-start",
	.type = CONF_LIST,
	.optional = true,
	.offset = offsetof(struct signer_conf, pre_start),
	.help = "program and arguments, run before the module is loaded; one a line"},
    {.name = "token",
	.type = CONF_STRING,
	.offset = offsetof(struct signer_conf, token),
	.help = "RFC 7512 URI that matches exactly one token"},
    {.name = "pin-file",
	.type = CONF_PATH,
	.optional = true,
	.offset = offsetof(struct signer_conf, pin_file),
	.help =
	    "file of mode 0600 or 0400 with the PIN; else credential 'pin', or --pin-fd"},
    {.name = "pin-accept-count-low",
	.type = CONF_BOOL,
	.offset = offsetof(struct signer_conf, pin_accept_count_low),
	.dflt = "no",
	.help = "log in although the token says that a wrong PIN was tried before"},
    {.name = "state-dir",
	.type = CONF_PATH,
	.offset = offsetof(struct signer_conf, state_dir),
	.dflt = "/var/lib/kdsign-signer",
	.help = "holds the PIN latch, and which token took the PIN"},
    {.name = "sessions",
	.type = CONF_UINT,
	.offset = offsetof(struct signer_conf, sessions),
	.dflt = "4",
	.min = 1,
	.max = SHARE_SESSIONS_MAX,
	.help = "signatures that the token works on at a time"},
    {.name = "sign-deadline",
	.type = CONF_DURATION,
	.offset = offsetof(struct signer_conf, sign_deadline_ms),
	.dflt = "10s",
	.min = 100,
	.max = 600 * SECOND,
	.help = "how long one signature may take before the module counts as hung"},
    {.name = "start-deadline",
	.type = CONF_DURATION,
	.offset = offsetof(struct signer_conf, start_deadline_ms),
	.dflt = "30s",
	.min = 100,
	.max = 600 * SECOND,
	.help = "how long the module may take to load, find token and keys, and log in"},
    {.name = "breaker-faults",
	.type = CONF_UINT,
	.offset = offsetof(struct signer_conf, breaker_faults),
	.dflt = "3",
	.min = 1,
	.max = BREAKER_FAULTS_MAX,
	.help = "so many faults within breaker-window and the token is left alone for a "
		"while"},
    {.name = "breaker-window",
	.type = CONF_DURATION,
	.offset = offsetof(struct signer_conf, breaker_window_ms),
	.dflt = "30s",
	.min = 100,
	.max = 3600 * SECOND,
	.help = "the time in which faults are counted"},
    {.name = "breaker-wait",
	.type = CONF_DURATION,
	.offset = offsetof(struct signer_conf, breaker_wait_ms),
	.dflt = "500ms",
	.min = 10,
	.max = 600 * SECOND,
	.help = "how long it is left alone first; twice as long each time after"},
    {.name = "breaker-wait-max",
	.type = CONF_DURATION,
	.offset = offsetof(struct signer_conf, breaker_wait_max_ms),
	.dflt = "1500ms",
	.min = 10,
	.max = 600 * SECOND,
	.help = "and how long at most"},
    {.name = "starts-per-minute",
	.type = CONF_UINT,
	.offset = offsetof(struct signer_conf, starts_per_minute),
	.dflt = "120",
	.min = 1,
	.max = 60000,
	.help = "the module is not loaded more often; what is more waits"},
    {.name = "module-growth",
	.type = CONF_SIZE,
	.offset = offsetof(struct signer_conf, module_growth),
	.dflt = "512M",
	.min = (uint64_t)16 << 20,
	.max = (uint64_t)1 << 40,
	.help = "a module that takes so much more memory than when it was ready is loaded "
		"anew"},
    {.name = NULL},
};

static const struct conf_key key_keys[] = {
    {.name = "uri",
	.type = CONF_STRING,
	.offset = offsetof(struct signer_key_conf, uri),
	.help = "RFC 7512 URI with object or id of one private key"},
    {.name = "certificate",
	.type = CONF_PATH,
	.optional = true,
	.offset = offsetof(struct signer_key_conf, certificate),
	.help = "its certificate, the first of a PEM or DER file: no login for another "
		"key"},
    {.name = "relax",
	.type = CONF_WORDS,
	.optional = true,
	.offset = offsetof(struct signer_key_conf, relax),
	.help = "flaws of custody that may pass for this key: extractable, "
		"not-sensitive, not-always-sensitive, not-never-extractable, "
		"not-local, rsa-2048"},
    {.name = NULL},
};

const struct conf_section signer_conf_sections[] = {
    {.kind = NULL, .keys = top_keys, .size = sizeof(struct signer_conf), .offset = 0},
    {.kind = "key",
	.named = true,
	.keys = key_keys,
	.size = sizeof(struct signer_key_conf),
	.offset = offsetof(struct signer_conf, keys)},
    {.keys = NULL},
};

const struct signer_key_conf *
signer_conf_key(const struct signer_conf *c, size_t i)
{
	return &((const struct signer_key_conf *)c->keys.v)[i];
}

uint32_t
signer_conf_relaxed(const struct signer_key_conf *k)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < k->relax.n; i++)
		bits |= custody_flaw_by_name(k->relax.v[i]);
	return bits;
}

void
signer_conf_clear(struct signer_conf *c)
{
	conf_clear(signer_conf_sections, c);
}

static bool
check_environment(const struct signer_conf *c, struct kd_err *e)
{
	for (size_t i = 0; i < c->module_environment.n; i++) {
		const char *v = c->module_environment.v[i];
		const char *eq = strchr(v, '=');

		if (eq == NULL || eq == v)
			return kd_fail(e, KD_E_CONFIG,
			    "module-environment: '%s', expected NAME=VALUE", SHOW(v));
		if (strncmp(v, "LD_", 3) == 0)
			return kd_fail(e, KD_E_CONFIG,
			    "module-environment: '%s': the dynamic linker's variables "
			    "are not passed on",
			    SHOW(v));
	}
	return true;
}

static bool
check_pre_start(const struct signer_conf *c, struct kd_err *e)
{
	if (c->pre_start.n > PRESTART_MAX)
		return kd_fail(e, KD_E_CONFIG, "%zu pre-start lines, at most %d allowed",
		    c->pre_start.n, PRESTART_MAX);
	for (size_t i = 0; i < c->pre_start.n; i++)
		if (!prestart_check(c->pre_start.v[i], e))
			return kd_in(e, "pre-start '%s'", SHOW(c->pre_start.v[i]));
	return true;
}

static bool
check_relax(const struct signer_key_conf *k, struct kd_err *e)
{
	char all[CUSTODY_WORDS_MAX];

	custody_flaw_words(all, CUSTODY_FLAW_ALL);
	for (size_t i = 0; i < k->relax.n; i++)
		if (custody_flaw_by_name(k->relax.v[i]) == 0)
			return kd_fail(e, KD_E_CONFIG,
			    "[key %s] relax '%s': expected some of: %s", k->name,
			    SHOW(k->relax.v[i]), all);
	return true;
}

static bool
read_certificate(struct signer_key_conf *k, struct kd_err *e)
{
	return k->certificate == NULL || cert_pin_load(k->certificate, k->cert_pin, e) ||
	       kd_in(e, "[key %s] certificate", k->name);
}

static bool
check_keys(struct signer_conf *c, struct kd_err *e)
{
	struct uri u;

	if (c->keys.n == 0)
		return kd_fail(e, KD_E_CONFIG,
		    "no key: a section [key NAME] with its uri is needed");
	if (c->keys.n > SIGNER_KEYS_MAX)
		return kd_fail(e, KD_E_CONFIG, "%zu keys, at most %d allowed", c->keys.n,
		    SIGNER_KEYS_MAX);
	for (size_t i = 0; i < c->keys.n; i++) {
		struct signer_key_conf *k = &((struct signer_key_conf *)c->keys.v)[i];

		if (!uri_parse(k->uri, URI_KEY, &u, e))
			return kd_in(e, "[key %s] uri '%s'", k->name, SHOW(k->uri));
		if (!check_relax(k, e) || !read_certificate(k, e))
			return false;
	}
	return true;
}

static bool
check(struct signer_conf *c, struct kd_err *e)
{
	struct uri u;

	if (!uri_parse(c->token, URI_TOKEN, &u, e))
		return kd_in(e, "token '%s'", SHOW(c->token));
	if (!module_check(c->module, c->module_sha256, e))
		return kd_in(e, "module");
	return check_environment(c, e) && check_pre_start(c, e) && check_keys(c, e);
}

bool
signer_conf_load(const char *path, struct signer_conf *ret, struct kd_err *e)
{
	if (!conf_load(path, signer_conf_sections, ret, e))
		return false;
	return check(ret, e) || kd_in(e, "'%s'", SHOW(path));
}
