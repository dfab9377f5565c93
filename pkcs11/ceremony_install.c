/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_install.c - "install": the certificate that came back, checked, put in
 * place. */
#include "pkcs11/ceremony.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "base/log.h"
#include "base/num.h"
#include "base/text.h"
#include "pkcs11/attr.h"
#include "pkcs11/ceremony_chain.h"
#include "pkcs11/ceremony_out.h"
#include "pkcs11/ceremony_subject.h"
#include "pkcs11/rv.h"

AUTO_DEFINE(EVP_PKEY, EVP_PKEY_free);

struct install { /* what was given, sorted and checked */
	struct chain_certs chain, trust, cross;
	bool module; /* for Linux kernel modules alone */
	struct out out;
	struct buf pem;
};

static void
install_clear(struct install *i)
{
	chain_certs_clear(&i->chain);
	chain_certs_clear(&i->trust);
	chain_certs_clear(&i->cross);
	out_clear(&i->out);
	buf_clear(&i->pem);
}
AUTO_DEFINE_CLEAR(struct install, install_clear);

/* Everything about the files that can be said without the token; with key all of it. */
static bool
check_files(
    const struct ceremony *c, const EVP_PKEY *key, struct install *ret, struct kd_err *e)
{
	const struct ceremony_options *o = c->o;
	AUTO(chain_certs_clear) struct chain_certs given = {0};
	char name[256], until[25];
	bool expired;

	for (size_t i = 0; i < o->certificates.n; i++)
		if (!chain_load(o->certificates.v[i], &given, e))
			return false;
	if (o->root != NULL && !chain_load(o->root, &ret->trust, e))
		return kd_in(e, "--root");
	if (!chain_sort(&given, key, ret->module, &ret->chain, &ret->trust, e))
		return false;
	for (size_t i = 0; i < o->cross.n; i++)
		if (!chain_load(o->cross.v[i], &ret->cross, e))
			return kd_in(e, "--cross");
	for (size_t i = 0; i < ret->cross.n; i++) {
		if (!chain_check_cross(&ret->chain, ret->cross.v[i], &expired, e))
			return false;
		subject_print(X509_get_issuer_name(ret->cross.v[i]), name, sizeof(name));
		chain_until(ret->cross.v[i], until);
		if (expired)
			log_line(LOG_L_WARN,
			    "cross-certificate by '%s': valid until %s only: a signature "
			    "that is timestamped later cannot use it",
			    name, until);
	}
	return true;
}

static void
say_chain(struct ceremony *c, const struct install *i)
{
	char name[256], until[25];

	if (i->module)
		ceremony_fact(c, "kind", "module: codeSigning is not asked for");

	for (size_t k = 0; k < i->chain.n; k++) {
		subject_print(X509_get_subject_name(i->chain.v[k]), name, sizeof(name));
		chain_until(i->chain.v[k], until);
		ceremony_fact(c, k == 0 ? "certificate" : "intermediate", "%s, until %s",
		    name, until);
		ceremony_say("  %s: %s, until %s",
		    k == 0 ? "certificate" : "intermediate", name, until);
	}
	for (size_t k = 0; k < i->cross.n; k++) {
		subject_print(X509_get_issuer_name(i->cross.v[k]), name, sizeof(name));
		ceremony_fact(c, "cross-certificate by", "%s", name);
		ceremony_say("  cross-certificate by: %s", name);
	}
	if (i->trust.n > 0) {
		subject_print(X509_get_subject_name(i->trust.v[0]), name, sizeof(name));
		ceremony_say("  leads to: %s", name);
	} else {
		log_line(LOG_L_WARN,
		    "no root was given: the uppermost certificate is taken as "
		    "it is; --root FILE checks it");
	}
}

/* Is this very certificate there, under the id. Others with the id (before a renewal)
 * stay. */
static bool
is_there(struct ceremony *c, const struct buf *id, const struct buf *der, bool *ret,
    struct kd_err *e)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_ATTRIBUTE tmpl[] = {
	    {CKA_CLASS, &class, sizeof(class)},
	    {CKA_ID, id->p, id->len},
	    {CKA_VALUE, der->p, der->len},
	};
	CK_OBJECT_HANDLE o;
	size_t n = 0;

	if (!attr_find(c->token, tmpl, KD_ARRAY_LEN(tmpl), &o, 1, &n, e))
		return false;
	*ret = n > 0;
	return true;
}

static bool
add_der(struct buf *ret, int n, int (*put)(const void *what, unsigned char **p),
    const void *what, struct kd_err *e)
{
	unsigned char *p = n > 0 ? buf_reserve(ret, (size_t)n) : NULL;

	return (p != NULL && put(what, &p) == n) ||
	       kd_fail(e, KD_E_CRYPTO, "OpenSSL cannot write the certificate's parts");
}

static int
put_cert(const void *what, unsigned char **p)
{
	return i2d_X509(what, p);
}

static int
put_name(const void *what, unsigned char **p)
{
	return i2d_X509_NAME(what, p);
}

static int
put_serial(const void *what, unsigned char **p)
{
	return i2d_ASN1_INTEGER(what, p);
}

/* PKCS #11 3.1 "X.509 public key certificate objects". */
static bool
put_on_token(
    struct ceremony *c, const struct ceremony_key *key, X509 *cert, struct kd_err *e)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_CERTIFICATE_TYPE type = CKC_X_509;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	AUTO(buf_clear) struct buf der = {0};
	AUTO(buf_clear) struct buf subject = {0};
	AUTO(buf_clear) struct buf issuer = {0};
	AUTO(buf_clear) struct buf serial = {0};
	const X509_NAME *s = X509_get_subject_name(cert), *i = X509_get_issuer_name(cert);
	const ASN1_INTEGER *n = X509_get0_serialNumber(cert);
	CK_OBJECT_HANDLE o;
	bool there = false;
	CK_RV rv;

	if (!add_der(&der, put_cert(cert, NULL), put_cert, cert, e) ||
	    !add_der(&subject, put_name(s, NULL), put_name, s, e) ||
	    !add_der(&issuer, put_name(i, NULL), put_name, i, e) ||
	    !add_der(&serial, put_serial(n, NULL), put_serial, n, e) ||
	    !is_there(c, &key->id, &der, &there, e))
		return false;
	CK_ATTRIBUTE tmpl[] = {
	    {CKA_CLASS, &class, sizeof(class)},
	    {CKA_CERTIFICATE_TYPE, &type, sizeof(type)},
	    {CKA_TOKEN, &yes, sizeof(yes)},
	    {CKA_PRIVATE, &no, sizeof(no)},
	    {CKA_LABEL, (void *)(uintptr_t)key->label, strlen(key->label)},
	    {CKA_ID, key->id.p, key->id.len},
	    {CKA_SUBJECT, subject.p, subject.len},
	    {CKA_ISSUER, issuer.p, issuer.len},
	    {CKA_SERIAL_NUMBER, serial.p, serial.len},
	    {CKA_VALUE, der.p, der.len},
	};
	if (there) {
		ceremony_say("  on the token: it is there already");
		ceremony_fact(c, "on the token", "it was there already");
		return true;
	}
	rv =
	    token_fns(c->token)->C_CreateObject(c->session, tmpl, KD_ARRAY_LEN(tmpl), &o);
	if (rv != CKR_OK) {
		(void)rv_fail(e, rv, "C_CreateObject");
		return kd_hint(e, "the service does not need it on the token: --no-token "
				  "leaves it out, --out FILE writes it");
	}
	ceremony_say(
	    "  on the token: certificate '%s', id %s", SHOW(key->label), c->entry.key_id);
	ceremony_fact(c, "on the token", "certificate with the key's label and id");
	return true;
}

/* The file's new content, but not in its place yet. */
static bool
fill_file(struct install *i, struct kd_err *e)
{
	for (size_t k = 0; k < i->chain.n; k++)
		if (!out_pem_cert(i->chain.v[k], &i->pem, e))
			return false;
	return out_fill(&i->out, &i->pem, e);
}

static bool
place_file(struct ceremony *c, struct install *i, struct kd_err *e)
{
	struct out *const all[] = {&i->out};

	if (!out_place(c, all, 1, e))
		return false;
	ceremony_say("  written: %s", c->o->out);
	return true;
}

/* Where the file is, whichever folder the configuration is in. */
static void
say_line(const char *setting, const char *path)
{
	char whole[PATH_MAX];

	ceremony_say("    %s = %s", setting, realpath(path, whole) != NULL ? whole : path);
}

static void
say_lines(const struct ceremony *c, const struct install *in)
{
	const struct ceremony_options *o = c->o;

	ceremony_say("for keeper.conf, in [key NAME]; then reload kdsign-keeper:");
	say_line("certificates", o->out != NULL ? o->out : o->certificates.v[0]);
	for (size_t i = 1; o->out == NULL && i < o->certificates.n; i++)
		say_line("certificates", o->certificates.v[i]);
	for (size_t i = 0; i < o->cross.n; i++)
		say_line("cross-certificates", o->cross.v[i]);
	if (in->module)
		ceremony_say("    and in its grants: kinds = module");
}

static bool
place(struct ceremony *c, const struct ceremony_key *key, struct install *i,
    struct kd_err *e)
{
	return (c->o->no_token || put_on_token(c, key, i->chain.v[0], e)) &&
	       (c->o->out == NULL || place_file(c, i, e));
}

/* All that can fail is done before the token is written to. */
static bool
prepare(struct ceremony *c, struct ceremony_key *key, struct install *i, struct kd_err *e)
{
	AUTO(EVP_PKEY_free) EVP_PKEY *pub = NULL;
	const unsigned char *p = key->k.spki;

	if ((c->o->out != NULL && !out_open(c->o->out, "", 0, &i->out, e)) ||
	    !ceremony_login(c, e) || !ceremony_key_find(c, key, e) ||
	    !ceremony_key_spki(key, e))
		return false;
	pub = d2i_PUBKEY(NULL, &p, (long)key->k.spki_len);
	if (pub == NULL)
		return kd_fail(
		    e, KD_E_CRYPTO, "OpenSSL cannot read the key's public half");
	return check_files(c, pub, i, e) && (c->o->out == NULL || fill_file(i, e));
}

static bool
install(struct ceremony *c, struct install *i, struct kd_err *e)
{
	AUTO(ceremony_key_clear) struct ceremony_key key = {0};
	bool done;

	if (!prepare(c, &key, i, e))
		return false;
	ceremony_say(
	    "the certificate is of key '%s', id %s:", SHOW(key.label), c->entry.key_id);
	say_chain(c, i);
	if (!ceremony_begin(c, e))
		return false;
	done = place(c, &key, i, e);
	if (!ceremony_end(c, done ? NULL : e, e))
		return false;
	say_lines(c, i);
	return true;
}

bool
ceremony_install(struct ceremony *c, struct kd_err *e)
{
	AUTO(install_clear) struct install i = {.out.r.fd = -1};

	if (c->o->certificates.n == 0)
		return kd_fail(e, KD_E_USAGE, "which certificate? --certificate FILE");
	if (!ceremony_kind_module(c, &i.module, e))
		return false;
	if (!c->o->dry_run)
		return install(c, &i, e);
	if (!check_files(c, NULL, &i, e))
		return false;
	ceremony_say("would install, if it is of key '%s', which takes a login to see:",
	    SHOW(c->o->key));
	say_chain(c, &i);
	return true;
}
