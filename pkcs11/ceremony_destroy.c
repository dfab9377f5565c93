/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_destroy.c - "destroy": a key and all that belongs to it, after two
 * questions. */
#include "pkcs11/ceremony.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "pkcs11/attr.h"
#include "pkcs11/ceremony_ask.h"
#include "pkcs11/ceremony_look.h"
#include "pkcs11/rv.h"

#define SAME_ID_MAX 16

struct doomed {
	CK_OBJECT_HANDLE private;
	CK_OBJECT_HANDLE others[2 * SAME_ID_MAX]; /* public keys, certificates */
	size_t others_n, certs_n;
	struct buf label, id; /* as the token has them */
	char shown[URI_OBJECT_MAX + 1];         /* the label, printable */
	char name[2 * URI_OBJECT_MAX + 4];      /* what a person types: means no other key */
};

static void
doomed_clear(struct doomed *d)
{
	buf_clear(&d->label);
	buf_clear(&d->id);
}
AUTO_DEFINE_CLEAR(struct doomed, doomed_clear);

/* A key that the service cannot use is to be destroyed as well, so this is not key_find.
 */
static bool
find_private(
    struct ceremony *c, const struct uri *u, struct doomed *ret, struct kd_err *e)
{
	size_t found = 0;

	if (!attr_find_uri(c->token, CKO_PRIVATE_KEY, u, &ret->private, 1, &found, e))
		return false;
	if (found == 1)
		return true;
	if (found == 0)
		return kd_fail(e, KD_E_KEY, "no private key on token '%s' matches",
		    SHOW(token_info(c->token)->label));
	(void)kd_fail(e, KD_E_KEY, "several private keys match");
	return kd_hint(
	    e, "name one by --key 'pkcs11:id=%%01...'; 'kdsign-token list' shows ids");
}

/* What is stored with the id of the key, but for other private keys. Without an id:
 * nothing. */
static bool
find_others(struct ceremony *c, CK_OBJECT_CLASS class, struct doomed *d, size_t *ret_n,
    struct kd_err *e)
{
	CK_BBOOL stored = CK_TRUE; /* an attestation that the module makes is not */
	CK_ATTRIBUTE tmpl[] = {
	    {CKA_CLASS, &class, sizeof(class)},
	    {CKA_TOKEN, &stored, sizeof(stored)},
	    {CKA_ID, d->id.p, d->id.len},
	};

	*ret_n = 0;
	if (d->id.len == 0)
		return true;
	if (!attr_find(c->token, tmpl, KD_ARRAY_LEN(tmpl), &d->others[d->others_n],
		SAME_ID_MAX, ret_n, e))
		return false;
	if (*ret_n > SAME_ID_MAX)
		return kd_fail(
		    e, KD_E_KEY, "more than %d objects have the key's id", SAME_ID_MAX);
	d->others_n += *ret_n;
	return true;
}

static bool
only_private(struct ceremony *c, const struct doomed *d, struct kd_err *e)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE tmpl[] = {
	    {CKA_CLASS, &class, sizeof(class)},
	    {CKA_ID, d->id.p, d->id.len},
	};
	CK_OBJECT_HANDLE o;
	size_t n = 0;

	if (d->id.len == 0)
		return true;
	if (!attr_find(c->token, tmpl, KD_ARRAY_LEN(tmpl), &o, 1, &n, e))
		return false;
	return n == 1 || kd_fail(e, KD_E_KEY,
			     "another private key has the same id: what belongs to which "
			     "cannot be told");
}

/* Does another private key show the same label? */
static bool
is_double(struct ceremony *c, const struct doomed *d, bool *ret, struct kd_err *e)
{
	CK_OBJECT_HANDLE o[LOOK_MAX];
	char shown[sizeof(d->shown)];
	size_t n;

	*ret = false;
	if (!look_find(c->token, CKO_PRIVATE_KEY, o, &n, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		AUTO(buf_clear) struct buf label = {0};

		if (o[i] == d->private || !attr_bytes(c->token, o[i], CKA_LABEL, &label))
			continue;
		(void)text_show(shown, sizeof(shown), (const char *)label.p, label.len);
		*ret = *ret || strcmp(shown, d->shown) == 0;
	}
	return true;
}

/*
 * What is typed, or given to --yes-destroy, has to mean this key and no other: the label
 * where it is shown as it is and no other key shows the same; else the id.
 */
static bool
find_name(struct ceremony *c, struct doomed *d, struct kd_err *e)
{
	bool twice, plain;

	(void)text_show(
	    d->shown, sizeof(d->shown), (const char *)d->label.p, d->label.len);
	plain = d->label.len > 0 && strlen(d->shown) == d->label.len &&
		memcmp(d->shown, d->label.p, d->label.len) == 0 &&
		strncmp(d->shown, "id:", 3) != 0;
	if (!is_double(c, d, &twice, e))
		return false;
	if (plain && !twice) {
		memcpy(d->name, d->shown, d->label.len + 1);
		return true;
	}
	if (d->id.len == 0 || d->id.len > URI_OBJECT_MAX)
		return kd_fail(e, KD_E_KEY,
		    "its label '%s' is %s, and it has no id to tell it by: nothing is "
		    "destroyed",
		    SHOW(d->shown), twice ? "another key's, too" : "no plain text");
	memcpy(d->name, "id:", 3);
	text_hex_to(&d->name[3], d->id.p, d->id.len);
	return true;
}

static bool
find_all(struct ceremony *c, struct doomed *d, struct kd_err *e)
{
	AUTO(free) struct look_key *look = kd_alloc(sizeof(*look));
	size_t n;
	struct uri u;

	if (look == NULL)
		return kd_fail_nomem(e, "key");
	if (!ceremony_key_uri(c, &u, e) || !find_private(c, &u, d, e))
		return kd_in(e, "key '%s'", SHOW(c->o->key));
	look_key(c->token, d->private, look);
	(void)attr_bytes(c->token, d->private, CKA_LABEL, &d->label);
	(void)attr_bytes(c->token, d->private, CKA_ID, &d->id);
	if (attr_fault(e) || !find_name(c, d, e))
		return kd_in(e, "key '%s'", SHOW(c->o->key));
	ceremony_about(
	    c, d->shown, d->id.p, d->id.len, look->k.spki, look->k.spki_len);
	return only_private(c, d, e) && find_others(c, CKO_PUBLIC_KEY, d, &n, e) &&
	       find_others(c, CKO_CERTIFICATE, d, &d->certs_n, e);
}

static bool
is_of(const struct uri *u, const struct doomed *d)
{
	size_t n = strlen(u->object);

	return (n == 0 || (n == d->label.len && memcmp(u->object, d->label.p, n) == 0)) &&
	       (!u->has_id || (u->id_len == d->id.len &&
				  memcmp(u->id, d->id.p, u->id_len) == 0));
}

/* A key that the configuration names is one that is served. */
static bool
check_unused(const struct ceremony *c, const struct doomed *d, struct kd_err *e)
{
	struct uri u;

	for (size_t i = 0; i < c->conf.keys.n; i++) {
		const struct signer_key_conf *k = signer_conf_key(&c->conf, i);

		if (!uri_parse(k->uri, URI_KEY, &u, e))
			return false;
		if (!is_of(&u, d))
			continue;
		(void)kd_fail(e, KD_E_CONFIG, "'%s' still serves it, as [key %s]",
		    SHOW(c->o->config), k->name);
		return kd_hint(e, "take it out there and in keeper.conf, and restart "
				  "kdsign-signer; then destroy it");
	}
	return true;
}

static bool
asked(const char *question, const char *want, struct kd_err *e)
{
	char prompt[2 * SHOW_LEN], typed[sizeof(((struct doomed *)NULL)->name)];

	(void)snprintf(prompt, sizeof(prompt), "%s, to destroy it for ever: ", question);
	if (!ask_line(prompt, typed, sizeof(typed), e))
		return false;
	return strcmp(typed, want) == 0 ||
	       kd_fail(e, KD_E_USAGE, "'%s' was typed, not '%s': nothing was destroyed",
		   SHOW(typed), SHOW(want));
}

static bool
ask_twice(const struct ceremony *c, const struct doomed *d, struct kd_err *e)
{
	const struct token_info *i = token_info(c->token);
	/* All TPMs have sixteen zeros, which tell none from another. */
	bool has_serial = i->serial[strspn(i->serial, "0")] != '\0';
	const char *second = has_serial ? i->serial : i->label;
	char question[SHOW_LEN + 40];

	if (c->o->yes != NULL)
		return strcmp(c->o->yes, d->name) == 0 ||
		       kd_fail(e, KD_E_USAGE,
			   "--yes-destroy '%s': the key is called '%s'", SHOW(c->o->yes),
			   SHOW(d->name));
	if (!ask_possible()) {
		(void)kd_fail(e, KD_E_CONFIG, "there is no terminal to ask on");
		return kd_hint(e, "--yes-destroy=LABEL says it without one");
	}
	(void)snprintf(question, sizeof(question), "Type the key's %s ('%s')",
	    strncmp(d->name, "id:", 3) == 0 ? "id" : "label", SHOW(d->name));
	if (!asked(question, d->name, e))
		return false;
	(void)snprintf(question, sizeof(question), "Type the token's %s ('%s')",
	    has_serial ? "serial" : "label", SHOW(second));
	return asked(question, second, e);
}

/* Who is asked sees what it is about. */
static bool
say_doomed(const struct ceremony *c, const struct doomed *d, struct kd_err *e)
{
	const struct token_info *i = token_info(c->token);
	AUTO(buf_clear) struct buf b = {0};

	buf_printf(&b,
	    "key '%s', id %s, on token '%s', serial %s: private key, %zu public, %zu "
	    "certificates\n",
	    d->shown, c->entry.key_id, SHOW(i->label), SHOW(i->serial),
	    d->others_n - d->certs_n, d->certs_n);
	if (c->entry.key_spki_sha256[0] != '\0')
		buf_printf(&b, "  public key SHA-256 %s\n", c->entry.key_spki_sha256);
	for (size_t k = d->others_n - d->certs_n; k < d->others_n; k++) {
		AUTO(look_cert_clear) struct look_cert cert = {0};

		if (!look_cert(c->token, d->others[k], &cert))
			continue;
		buf_printf(&b, "  certificate %s, until %s%s\n", cert.subject, cert.until,
		    strcmp(cert.spki_sha256, c->entry.key_spki_sha256) == 0
			? ""
			: ", OF ANOTHER KEY, but with this one's id");
	}
	if (d->id.len == 0)
		buf_str(&b, "  it has no id: public keys and certificates are left alone, for "
			    "whose they are is not known\n");
	return ceremony_put(&b, e); /* before the question, which is on the terminal */
}

/*
 * The private key goes last: by it the rest is found, so that who was interrupted can
 * say the same again. What cannot be destroyed of the rest does not save it.
 */
static bool
destroy(struct ceremony *c, const struct doomed *d, struct kd_err *e)
{
	CK_FUNCTION_LIST *f = token_fns(c->token);
	CK_RV rv, left = CKR_OK;
	struct doomed again = {0};
	struct kd_err gone = {0};
	struct uri u;

	for (size_t i = 0; i < d->others_n; i++) {
		rv = f->C_DestroyObject(c->session, d->others[i]);
		if (rv != CKR_OK)
			left = rv;
	}
	rv = f->C_DestroyObject(c->session, d->private);
	if (rv != CKR_OK)
		return rv_fail(e, rv, "C_DestroyObject (private key)");
	ceremony_fact(c, "private key", "destroyed");
	if (left != CKR_OK) {
		ceremony_fact(c, "left behind", "a public key or certificate");
		return rv_fail(e, left,
		    "private key destroyed, but C_DestroyObject (public key or certificate)");
	}
	ceremony_fact(c, "public keys", "%zu destroyed", d->others_n - d->certs_n);
	ceremony_fact(c, "certificates", "%zu destroyed", d->certs_n);
	if (!ceremony_key_uri(c, &u, e))
		return false;
	if (find_private(c, &u, &again, &gone))
		return kd_fail(
		    e, KD_E_TOKEN, "the token said yes, but the key is still there");
	return gone.code == KD_E_KEY || kd_fail(e, gone.code, "%s", gone.msg);
}

/* Without a login only the names are known: of the command and of the configuration. */
static bool
would_destroy(struct ceremony *c, struct kd_err *e)
{
	AUTO(doomed_clear) struct doomed d = {0};
	struct uri u;

	if (!ceremony_key_uri(c, &u, e))
		return kd_in(e, "key '%s'", SHOW(c->o->key));
	buf_add(&d.label, u.object, strlen(u.object));
	if (u.has_id)
		buf_add(&d.id, u.id, u.id_len);
	if (!buf_ok(&d.label, "label", e) || !buf_ok(&d.id, "id", e) ||
	    !check_unused(c, &d, e))
		return false;
	ceremony_say("would destroy key '%s' on token '%s', serial %s: the private key, and "
		     "public keys and certificates with its id",
	    SHOW(c->o->key), SHOW(token_info(c->token)->label),
	    SHOW(token_info(c->token)->serial));
	return true;
}

bool
ceremony_destroy(struct ceremony *c, struct kd_err *e)
{
	AUTO(doomed_clear) struct doomed d = {0};
	bool done;

	if (c->o->dry_run)
		return would_destroy(c, e);
	if (!ceremony_login(c, e) || !find_all(c, &d, e) || !check_unused(c, &d, e) ||
	    !say_doomed(c, &d, e) || !ask_twice(c, &d, e) || !ceremony_begin(c, e))
		return false;
	done = destroy(c, &d, e);
	if (!ceremony_end(c, done ? NULL : e, e))
		return false;
	ceremony_say("destroyed");
	return true;
}
