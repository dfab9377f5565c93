/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/settings.c - the configuration: its table, and what was checked and read
 * from it. */
#include "daemon/keeper/settings.h"

#include <string.h>

#include "base/clock.h"
#include "base/md.h"
#include "base/mem.h"
#include "base/sock.h"
#include "base/text.h"
#include "base/when.h"
#include "daemon/keeper/copy.h"
#include "daemon/keeper/pool.h"
#include "daemon/keeper/raw_kind.h"

#define MAIN(field) offsetof(struct keeper_main, field)
static const struct conf_key main_keys[] = {
    {"socket", CONF_PATH, MAIN(socket), "/run/kdsign/keeper.sock",
	"where kdsignd reaches the keeper"},
    {"front-user", CONF_STRING, MAIN(front_user), NULL,
	"user of kdsignd, the only one answered; without it the keeper's own", 0, 0,
	true},
    {"user", CONF_STRING, MAIN(user), NULL, "user to become when started as root", 0, 0,
	true},
    {"store", CONF_PATH, MAIN(store), "/var/lib/kdsign/record.db", "the record (SQLite)"},
    {"store-reserve", CONF_SIZE, MAIN(store_reserve), "64M",
	"free space kept for results: with less, nothing new is signed", 0,
	UINT64_C(1) << 40},
    {"client-ca", CONF_PATH, MAIN(client_ca), NULL,
	"trust anchors of client certificates (PEM or DER)"},
    {"client-crl", CONF_PATH, MAIN(client_crl), NULL,
	"their CRLs; when given, each CA of a client's chain needs a fresh one", 0, 0,
	true},
    {"frame-limit", CONF_SIZE, MAIN(frame_limit), "33M",
	"largest message from kdsignd: its body-limit and some room", 64 << 10,
	256 << 20},
    {"bytes-in-flight", CONF_SIZE, MAIN(bytes_in_flight), "128M",
	"of all large requests at a time; each byte takes some five of memory",
	64 << 10, UINT64_C(1) << 32},
    {"queue-limit", CONF_UINT, MAIN(queue_limit), "10000",
	"items that may wait for one signer", 1, 1000000},
    {"threads", CONF_UINT, MAIN(threads), "2", "that verify signatures", 1,
	POOL_THREADS_MAX},
    {"record-deadline", CONF_DURATION, MAIN(record_deadline), "2s",
	"for writing to the record; then 503 record_unavailable", 100, 60000},
    {"sign-deadline", CONF_DURATION, MAIN(sign_deadline), "15s",
	"for a signer to answer an item", 100, 600000},
    {"work-deadline", CONF_DURATION, MAIN(work_deadline), "5min",
	"for an item to reach its signer; then it is given up, unheard", 1000, 3600000},
    {NULL},
};
#define SIGNER(field) offsetof(struct signer_conf, field)
static const struct conf_key signer_keys[] = {
    {"socket", CONF_PATH, SIGNER(socket), NULL, "the signer's socket"},
    {"user", CONF_STRING, SIGNER(user), NULL,
	"whom it must belong to; without it the keeper's own user", 0, 0, true},
    {"window", CONF_UINT, SIGNER(window), "32", "items sent and not yet answered", 1,
	1024},
    {NULL},
};
#define KEY(field) offsetof(struct key_conf, field)
static const struct conf_key key_keys[] = {
    {"signer", CONF_WORDS, KEY(signers), NULL,
	"name of the signer that holds it, under the same key name; of several, when "
	"several tokens hold it"},
    {"certificates", CONF_PATHS, KEY(certificates), NULL,
	"its certificate, then intermediates"},
    {"cross-certificates", CONF_PATHS, KEY(cross), NULL,
	"that every signature carries as well", 0, 0, true},
    {"retire", CONF_STRING, KEY(retire), NULL,
	"date or time (UTC) from which on it signs no more", 0, 0, true},
    {NULL},
};
#define GRANT(field) offsetof(struct grant_conf, field)
static const struct conf_key grant_keys[] = {
    {"client-sha256", CONF_LIST, GRANT(certs), NULL, "SHA-256 of a client certificate", 0,
	0, true},
    {"client-spki-sha256", CONF_LIST, GRANT(spkis), NULL,
	"SHA-256 of a client's public key: survives renewal", 0, 0, true},
    {"client-issuer-sha256", CONF_LIST, GRANT(issuers), NULL,
	"SHA-256 of the CA certificate; with client-subject", 0, 0, true},
    {"client-subject", CONF_LIST, GRANT(subjects), NULL, "the exact subject, DER in hex",
	0, 0, true},
    {"keys", CONF_WORDS, GRANT(keys), NULL, "keys that may be used"},
    {"kinds", CONF_WORDS, GRANT(kinds), "pe", "kinds of files"},
    {"digests", CONF_WORDS, GRANT(digests), "sha256 sha384 sha512", "digest algorithms"},
    {"timestamps", CONF_BOOL, GRANT(timestamps), "yes",
	"may also ask the relay for timestamps"},
    {NULL},
};
const struct conf_section settings_sections[] = {
    {NULL, false, main_keys, sizeof(struct keeper_main),
	offsetof(struct keeper_conf, main)},
    {"signer", true, signer_keys, sizeof(struct signer_conf),
	offsetof(struct keeper_conf, signers)},
    {"key", true, key_keys, sizeof(struct key_conf), offsetof(struct keeper_conf, keys)},
    {"grant", true, grant_keys, sizeof(struct grant_conf),
	offsetof(struct keeper_conf, grants)},
    {NULL},
};

const struct signer_conf *
settings_signer(const struct settings *s, size_t i)
{
	return (const struct signer_conf *)s->conf.signers.v + i;
}

size_t
settings_signers_n(const struct settings *s)
{
	return s->conf.signers.n;
}

const struct key *
settings_key(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->keys_n; i++)
		if (strcmp(s->keys[i].name, name) == 0)
			return &s->keys[i];
	return NULL;
}

bool
settings_key_check_dates(const struct key *k, int64_t now_unix, struct kd_err *e)
{
	char when[CLOCK_UTC_LEN];

	if (k->retire != 0 && now_unix >= k->retire) {
		clock_utc(when, k->retire * 1000);
		(void)kd_fail(e, KD_E_KEY_RETIRED,
		    "key '%s' is retired: it signs no more since %s", k->name, when);
		return kd_hint(e, "sign with its successor: 'kdsign-client keys' lists what "
				  "there is");
	}
	if (now_unix > k->info.not_after) {
		clock_utc(when, k->info.not_after * 1000);
		return kd_fail(e, KD_E_CERT_INVALID,
		    "certificate of key '%s' expired at %s", k->name, when);
	}
	if (now_unix < k->info.not_before) {
		clock_utc(when, k->info.not_before * 1000);
		return kd_fail(e, KD_E_CERT_INVALID,
		    "certificate of key '%s' is valid from %s on", k->name, when);
	}
	return true;
}

/* Else a request that the one allows would wait for the other for ever. */
static bool
check_limits(const struct keeper_main *m, struct kd_err *e)
{
	if (m->bytes_in_flight >= m->frame_limit)
		return true;
	return kd_fail(e, KD_E_CONFIG,
	    "bytes-in-flight %llu: must be at least frame-limit %llu",
	    (unsigned long long)m->bytes_in_flight, (unsigned long long)m->frame_limit);
}

static bool
load_users(struct settings *s, struct kd_err *e)
{
	uid_t own = getuid();
	gid_t gid;

	if (s->conf.main.user != NULL && getuid() == 0 &&
	    !sock_user(s->conf.main.user, &own, &gid, e))
		return kd_in(e, "user");
	s->front_uid = own;
	if (s->conf.main.front_user != NULL &&
	    !sock_user(s->conf.main.front_user, &s->front_uid, &gid, e))
		return kd_in(e, "front-user");
	s->signer_uids = kd_alloc_array(settings_signers_n(s), sizeof(*s->signer_uids));
	if (s->signer_uids == NULL)
		return kd_fail_nomem(e, "settings");
	for (size_t i = 0; i < settings_signers_n(s); i++) {
		const struct signer_conf *c = settings_signer(s, i);

		s->signer_uids[i] = own;
		if (c->user != NULL && !sock_user(c->user, &s->signer_uids[i], &gid, e))
			return kd_in(e, "[signer %s]: user", c->name);
	}
	return true;
}

/* What the record needs to build the same ContentInfo again, years later. */
static bool
pack_chain(struct key *k, struct kd_err *e)
{
	uint8_t md[MD_LEN_MAX];
	const uint8_t *der;
	size_t i, len;

	for (i = 0; i < certs_n(k->chain); i++) {
		der = certs_der(k->chain, i, &len);
		buf_u32le(&k->chain_der, (uint32_t)len);
		buf_add(&k->chain_der, der, len);
	}
	if (!buf_ok(&k->chain_der, "certificates", e) ||
	    !md_digest(MD_SHA256, k->chain_der.p, k->chain_der.len, md, e))
		return false;
	memcpy(k->chain_sha256, md, 32);
	return true;
}

static bool
check_leaf(struct key *k, struct kd_err *e)
{
	if (strcmp(k->info.algorithm, "rsa") == 0)
		k->mechanism = SIGN_RSA_PKCS1;
	else if (strcmp(k->info.algorithm, "ecdsa") == 0)
		k->mechanism = SIGN_ECDSA;
	else
		return kd_fail(e, KD_E_CONFIG,
		    "certificate of '%s': key algorithm %s; rsa and ecdsa can sign",
		    k->info.subject, k->info.algorithm);
	if (k->info.ca)
		return kd_fail(e, KD_E_CONFIG,
		    "certificate of '%s' is a CA's; the signing one comes first",
		    k->info.subject);
	if (k->info.has_key_usage && !k->info.ku_digital_signature)
		return kd_fail(e, KD_E_CONFIG,
		    "certificate of '%s': no digitalSignature in its key usage",
		    k->info.subject);
	return true;
}

static bool
load_key_signers(const struct settings *s, const struct conf_list *names, struct key *k,
    struct kd_err *e)
{
	if (names->n > SETTINGS_KEY_SIGNERS_MAX)
		return kd_fail(e, KD_E_CONFIG, "signer: names %zu, at most %d can share a key",
		    names->n, SETTINGS_KEY_SIGNERS_MAX);
	for (; k->signers_n < names->n; k->signers_n++) {
		const char *name = names->v[k->signers_n];
		const struct signer_conf *found = NULL;

		for (size_t i = 0; i < settings_signers_n(s); i++)
			if (strcmp(settings_signer(s, i)->name, name) == 0)
				found = settings_signer(s, i);
		if (found == NULL)
			return kd_fail(e, KD_E_CONFIG,
			    "signer '%s': there is no [signer %s]", SHOW(name), SHOW(name));
		for (size_t i = 0; i < k->signers_n; i++)
			if (k->signers[i] == found)
				return kd_fail(e, KD_E_CONFIG,
				    "signer '%s' is named twice", SHOW(name));
		k->signers[k->signers_n] = found;
	}
	return true;
}

static bool
load_key(
    const struct settings *s, const struct key_conf *c, struct key *k, struct kd_err *e)
{
	size_t i;

	COPY(k->name, c->name);
	if (c->retire != NULL && !when_parse(c->retire, &k->retire, e)) {
		e->code = KD_E_CONFIG;
		return kd_in(e, "retire");
	}
	if (!load_key_signers(s, &c->signers, k, e))
		return false;
	if (!certs_new(&k->chain, e))
		return false;
	for (i = 0; i < c->certificates.n; i++)
		if (!certs_load(k->chain, c->certificates.v[i], e))
			return kd_in(e, "certificates");
	for (i = 0; i < c->cross.n; i++)
		if (!certs_load(k->chain, c->cross.v[i], e))
			return kd_in(e, "cross-certificates");
	if (certs_n(k->chain) == 0)
		return kd_fail(e, KD_E_CONFIG, "certificates: none given");
	return cert_info(k->chain, 0, &k->info, e) && check_leaf(k, e) &&
	       cert_key_new(k->chain, 0, &k->verifier, e) &&
	       cms_signer_new(k->chain, &k->assembler, e) &&
	       cert_spki(k->chain, 0, &k->spki, e) && pack_chain(k, e);
}

static bool
load_keys(struct settings *s, struct kd_err *e)
{
	const struct key_conf *c = s->conf.keys.v;

	s->keys = kd_alloc_array(s->conf.keys.n, sizeof(*s->keys));
	s->key_names = kd_alloc_array(s->conf.keys.n, sizeof(*s->key_names));
	if (s->keys == NULL || s->key_names == NULL)
		return kd_fail_nomem(e, "settings");
	for (; s->keys_n < s->conf.keys.n; c++) {
		struct key *k = &s->keys[s->keys_n++];

		if (!load_key(s, c, k, e))
			return kd_in(e, "[key %s]", c->name);
		s->key_names[s->keys_n - 1] = k->name;
	}
	return true;
}

static bool
load_digests(const char *what, const struct conf_list *l, const uint8_t (**ret)[32],
    size_t *ret_n, struct kd_err *e)
{
	uint8_t(*v)[32] = kd_alloc_array(l->n, sizeof(*v));

	if (v == NULL)
		return kd_fail_nomem(e, "settings");
	*ret = (const uint8_t(*)[32])v; /* the grant owns it, whatever comes next */
	*ret_n = l->n;
	for (size_t i = 0; i < l->n; i++)
		if (!text_unhex(l->v[i], v[i], 32, e)) {
			e->code = KD_E_CONFIG;
			return kd_in(e, "%s", what);
		}
	return true;
}

static bool
load_subjects(const struct conf_list *l, struct policy_grant *g, struct kd_err *e)
{
	struct policy_bytes *v = kd_alloc_array(l->n, sizeof(*v));

	if (v == NULL)
		return kd_fail_nomem(e, "settings");
	g->subjects = v;
	for (; g->subjects_n < l->n; g->subjects_n++) {
		const char *hex = l->v[g->subjects_n];
		size_t len = strlen(hex) / 2;
		uint8_t *der = kd_alloc(len);

		if (der == NULL)
			return kd_fail_nomem(e, "settings");
		v[g->subjects_n] = (struct policy_bytes){.p = der, .len = len};
		if (text_unhex(hex, der, len, e) && len > 2 && der[0] == 0x30)
			continue;
		g->subjects_n++; /* it is cleared with the rest */
		*e = (struct kd_err){0};
		return kd_fail(e, KD_E_CONFIG,
		    "client-subject: not a DER name in hex (30...): '%s'", SHOW(hex));
	}
	return true;
}

static bool
load_words(const struct grant_conf *c, struct policy_grant *g, struct kd_err *e)
{
	for (size_t i = 0; i < c->kinds.n; i++) {
		enum api_kind kind = api_kind_by_name(c->kinds.v[i]);

		if (kind == API_KIND_NONE)
			return kd_fail(e, KD_E_CONFIG,
			    "kinds: '%s' is none: " API_KIND_NAMES,
			    SHOW(c->kinds.v[i]));
		g->kinds |= 1u << kind;
	}
	for (size_t i = 0; i < c->digests.n; i++) {
		enum md md = md_by_name(c->digests.v[i]);

		if (md == MD_NONE)
			return kd_fail(e, KD_E_CONFIG,
			    "digests: '%s' is none: sha1 sha256 sha384 sha512",
			    SHOW(c->digests.v[i]));
		g->digests |= 1u << md;
	}
	return true;
}

static bool
load_grant(const struct settings *s, const struct grant_conf *c, struct policy_grant *g,
    struct kd_err *e)
{
	COPY(g->name, c->name);
	if (!load_digests("client-sha256", &c->certs, &g->certs, &g->certs_n, e) ||
	    !load_digests("client-spki-sha256", &c->spkis, &g->spkis, &g->spkis_n, e) ||
	    !load_digests(
		"client-issuer-sha256", &c->issuers, &g->issuers, &g->issuers_n, e) ||
	    !load_subjects(&c->subjects, g, e) || !load_words(c, g, e))
		return false;
	if ((g->issuers_n == 0) != (g->subjects_n == 0))
		return kd_fail(e, KD_E_CONFIG,
		    "client-issuer-sha256 and client-subject need each other");
	if (g->certs_n + g->spkis_n + g->issuers_n == 0)
		return kd_fail(e, KD_E_CONFIG,
		    "names no client: client-sha256, client-spki-sha256, or "
		    "client-issuer-sha256 with client-subject");
	for (size_t i = 0; i < c->keys.n; i++)
		if (settings_key(s, c->keys.v[i]) == NULL)
			return kd_fail(e, KD_E_CONFIG, "keys: there is no [key %s]",
			    SHOW(c->keys.v[i]));
	g->keys = (const char *const *)c->keys.v;
	g->keys_n = c->keys.n;
	g->timestamps = c->timestamps;
	return true;
}

static bool
load_grants(struct settings *s, struct kd_err *e)
{
	const struct grant_conf *c = s->conf.grants.v;

	s->grants = kd_alloc_array(s->conf.grants.n, sizeof(*s->grants));
	if (s->grants == NULL)
		return kd_fail_nomem(e, "settings");
	for (; s->policy.grants_n < s->conf.grants.n; c++)
		if (!load_grant(s, c, &s->grants[s->policy.grants_n++], e))
			return kd_in(e, "[grant %s]", c->name);
	s->policy.grants = s->grants;
	s->policy.keys = s->key_names;
	s->policy.keys_n = s->keys_n;
	return true;
}

/* The kernel does not ask for an extended key usage, and the certificates that its own
 * recipe makes have none; one that is for something else is wrong here all the same. */
static bool
check_usages(const struct settings *s, struct kd_err *e)
{
	for (size_t i = 0; i < s->keys_n; i++) {
		const struct key *k = &s->keys[i];

		if (k->info.eku_code_signing ||
		    (!k->info.has_eku && raw_kind_serves(s, k)))
			continue;
		return kd_fail(e, KD_E_CONFIG,
		    "[key %s]: certificate of '%s': no codeSigning in its extended key "
		    "usage",
		    k->name, k->info.subject);
	}
	return true;
}

static bool
digest_settings(struct settings *s, struct kd_err *e)
{
	AUTO(buf_clear) struct buf text = {0};
	uint8_t md[MD_LEN_MAX];

	conf_print(settings_sections, &s->conf, &text);
	if (!buf_ok(&text, "settings", e) ||
	    !md_digest(MD_SHA256, text.p, text.len, md, e))
		return false;
	memcpy(s->sha256, md, 32);
	return true;
}

bool
settings_load(const char *path, struct settings **ret, struct kd_err *e)
{
	AUTO(settings_drop) struct settings *s = kd_alloc(sizeof(*s));
	bool done;

	if (s == NULL)
		return kd_fail_nomem(e, "settings");
	s->refs = 1;
	if (!conf_load(path, settings_sections, &s->conf, e))
		return false;
	done = check_limits(&s->conf.main, e) && load_users(s, e) && load_keys(s, e) &&
	       load_grants(s, e) && raw_kind_check(s, e) && check_usages(s, e) &&
	       identity_trust_new(
		   s->conf.main.client_ca, s->conf.main.client_crl, &s->trust, e) &&
	       digest_settings(s, e);
	if (!done) {
		/* Whatever was wrong with a file: for a daemon it is its configuration
		 * that is. */
		if (e->code == KD_E_FILE || e->code == KD_E_FORMAT ||
		    e->code == KD_E_LIMIT)
			e->code = KD_E_CONFIG;
		return kd_in(e, "'%s'", path);
	}
	*ret = STEAL(s);
	return true;
}

struct settings *
settings_hold(struct settings *s)
{
	s->refs++;
	return s;
}

static void
key_clear(struct key *k)
{
	certs_free(k->chain);
	cert_key_free(k->verifier);
	cms_signer_free(k->assembler);
	buf_clear(&k->spki);
	buf_clear(&k->chain_der);
}

static void
grant_clear(struct policy_grant *g)
{
	for (size_t i = 0; i < g->subjects_n; i++)
		free((void *)(uintptr_t)g->subjects[i].p);
	free((void *)(uintptr_t)g->subjects);
	free((void *)(uintptr_t)g->certs);
	free((void *)(uintptr_t)g->spkis);
	free((void *)(uintptr_t)g->issuers);
}

void
settings_drop(struct settings *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	for (size_t i = 0; i < s->keys_n; i++)
		key_clear(&s->keys[i]);
	for (size_t i = 0; i < s->policy.grants_n; i++)
		grant_clear(&s->grants[i]);
	free(s->keys);
	free(s->key_names);
	free(s->grants);
	free(s->signer_uids);
	identity_trust_free(s->trust);
	conf_clear(settings_sections, &s->conf);
	free(s);
}
