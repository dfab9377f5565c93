/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_look.c - what a token holds: private keys with their facts,
 * certificates. */
#include "pkcs11/ceremony_look.h"

#include <stdio.h>
#include <string.h>

#include <openssl/x509.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/own.h"
#include "base/text.h"
#include "pkcs11/attr.h"
#include "pkcs11/ceremony_chain.h"
#include "pkcs11/ceremony_subject.h"
#include "pkcs11/key.h"
#include "pkcs11/transcript.h"

AUTO_DEFINE(X509, X509_free);

void
look_cert_clear(struct look_cert *c)
{
	buf_clear(&c->der);
}

bool
look_find(const struct token *t, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE ret[LOOK_MAX],
    size_t *ret_n, struct kd_err *e)
{
	CK_ATTRIBUTE tmpl = {CKA_CLASS, &class, sizeof(class)};

	if (!attr_find(t, &tmpl, 1, ret, LOOK_MAX, ret_n, e))
		return false;
	return *ret_n <= LOOK_MAX ||
	       kd_fail(e, KD_E_LIMIT, "token '%s': more than %d %s, which is too many to look at",
		   SHOW(token_info(t)->label), LOOK_MAX,
		   class == CKO_CERTIFICATE ? "certificates" : "private keys");
}

static void
read_names(const struct token *t, CK_OBJECT_HANDLE o, char *label, size_t label_n,
    char id[2 * URI_OBJECT_MAX + 1])
{
	AUTO(buf_clear) struct buf b = {0};

	label[0] = id[0] = '\0';
	if (attr_bytes(t, o, CKA_LABEL, &b))
		(void)text_show(label, label_n, (const char *)b.p, b.len);
	if (attr_bytes(t, o, CKA_ID, &b) && b.len <= URI_OBJECT_MAX)
		text_hex_to(id, b.p, b.len);
}

/* By its own id and label, as a configuration would name it. */
static bool
find_again(
    const struct token *t, CK_OBJECT_HANDLE o, struct signer_key *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf label = {0};
	AUTO(buf_clear) struct buf id = {0};
	CK_OBJECT_HANDLE found;
	struct uri u = {0};

	if (attr_bytes(t, o, CKA_LABEL, &label) && label.len <= URI_OBJECT_MAX)
		memcpy(u.object, label.p, label.len);
	if (attr_bytes(t, o, CKA_ID, &id) && id.len <= URI_OBJECT_MAX) {
		memcpy(u.id, id.p, id.len);
		u.id_len = id.len;
		u.has_id = true;
	}
	if (u.object[0] == '\0' && !u.has_id)
		return kd_fail(e, KD_E_KEY, "it has neither label nor id");
	return key_find(t, &u, &found, ret, e);
}

static void
put_hash(const void *p, size_t n, char dst[65])
{
	struct kd_err ignored = {0};

	if (!transcript_hash(p, n, dst, &ignored))
		dst[0] = '\0';
}

void
look_key(const struct token *t, CK_OBJECT_HANDLE o, struct look_key *ret)
{
	*ret = (struct look_key){.handle = o};
	read_names(t, o, ret->label, sizeof(ret->label), ret->id);
	facts_read(t, o, &ret->facts);
	if (find_again(t, o, &ret->k, &ret->unusable) && ret->k.spki_len > 0)
		put_hash(ret->k.spki, ret->k.spki_len, ret->spki_sha256);
}

static void
put_spki_hash(const X509 *cert, char dst[65])
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

	dst[0] = '\0';
	if (n > 0)
		put_hash(der, (size_t)n, dst);
	OPENSSL_free(der);
}

bool
look_x509(X509 *cert, struct look_cert *ret)
{
	AUTO(look_cert_clear) struct look_cert c = {0};
	int n = i2d_X509(cert, NULL);
	unsigned char *p = n > 0 ? buf_reserve(&c.der, (size_t)n) : NULL;

	if (p == NULL || i2d_X509(cert, &p) != n)
		return false;
	subject_print(X509_get_subject_name(cert), c.subject, sizeof(c.subject));
	subject_print(X509_get_issuer_name(cert), c.issuer, sizeof(c.issuer));
	put_hash(c.der.p, c.der.len, c.sha256);
	put_spki_hash(cert, c.spki_sha256);
	chain_until(cert, c.until);
	*ret = c;
	c.der = (struct buf){0};
	return true;
}

bool
look_cert(const struct token *t, CK_OBJECT_HANDLE o, struct look_cert *ret)
{
	AUTO(buf_clear) struct buf der = {0};
	AUTO(X509_free) X509 *cert = NULL;
	struct look_cert c = {0};
	const unsigned char *p;

	if (!attr_bytes(t, o, CKA_VALUE, &der))
		return false;
	p = der.p;
	cert = d2i_X509(NULL, &p, (long)der.len);
	if (cert == NULL || !look_x509(cert, &c))
		return false;
	read_names(t, o, c.label, sizeof(c.label), c.id);
	c.made = !attr_bool(t, o, CKA_TOKEN, true);
	*ret = c;
	return true;
}

void
look_type(const struct signer_key *k, char ret[16])
{
	(void)snprintf(ret, 16, "%s-%u", k->mechanism == SIGN_RSA_PKCS1 ? "RSA" : "P",
	    (unsigned)k->bits);
}
