/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_make.c - a key pair generated on the token, right by construction. */
#include "pkcs11/ceremony_make.h"

#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "pkcs11/rv.h"

/* DER of the named curves, for CKA_EC_PARAMS (RFC 5480 2.1.1.1). */
static const CK_BYTE p256_oid[] = {6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7};
static const CK_BYTE p384_oid[] = {6, 5, 0x2b, 0x81, 4, 0, 0x22};

static const struct make_type types[] = {
    {"rsa3072", "RSA-3072", CKM_RSA_PKCS_KEY_PAIR_GEN, 3072, NULL, 0},
    {"rsa4096", "RSA-4096", CKM_RSA_PKCS_KEY_PAIR_GEN, 4096, NULL, 0},
    {"p256", "P-256", CKM_EC_KEY_PAIR_GEN, 0, p256_oid, sizeof(p256_oid)},
    {"p384", "P-384", CKM_EC_KEY_PAIR_GEN, 0, p384_oid, sizeof(p384_oid)},
};

bool
make_type_find(const char *name, const struct make_type **ret, struct kd_err *e)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(types); i++) {
		if (name == NULL || text_eq_nocase(types[i].name, name)) {
			*ret = &types[i];
			return true;
		}
	}
	return kd_fail(
	    e, KD_E_USAGE, "--type '%s': none of rsa3072 rsa4096 p256 p384", SHOW(name));
}

/* What only forbids: a token that knows no such use refuses it at times. By enum
 * make_without. */
static const struct optional {
	CK_ATTRIBUTE_TYPE type;
	const char *name;
} optional[] = {
    {CKA_MODIFIABLE, "CKA_MODIFIABLE"},
    {CKA_SIGN_RECOVER, "CKA_SIGN_RECOVER"},
    {CKA_DERIVE, "CKA_DERIVE"},
    {CKA_UNWRAP, "CKA_UNWRAP"},
    {CKA_DECRYPT, "CKA_DECRYPT"},
};
#define OPTIONAL_N KD_ARRAY_LEN(optional)
#define ALL ((1u << OPTIONAL_N) - 1)

static CK_RV
generate(const struct token *t, CK_SESSION_HANDLE s, const struct make_order *order,
    unsigned with, struct made *ret)
{
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE,
		 stays = order->session_only ? CK_FALSE : CK_TRUE;
	CK_BYTE exponent[] = {1, 0, 1};
	CK_ULONG bits = order->type->bits;
	CK_MECHANISM mechanism = {order->type->mechanism, NULL, 0};
	void *id = (void *)(uintptr_t)order->id, *label = (void *)(uintptr_t)order->label;
	CK_ATTRIBUTE private_attrs[7 + OPTIONAL_N] = {
	    {CKA_TOKEN, &stays, sizeof(stays)},
	    {CKA_PRIVATE, &yes, sizeof(yes)},
	    {CKA_SENSITIVE, &yes, sizeof(yes)},
	    {CKA_EXTRACTABLE, &no, sizeof(no)},
	    {CKA_SIGN, &yes, sizeof(yes)},
	    {CKA_ID, id, order->id_len},
	    {CKA_LABEL, label, strlen(order->label)},
	};
	CK_ATTRIBUTE public_attrs[] = {
	    {CKA_TOKEN, &stays, sizeof(stays)},
	    {CKA_ID, id, order->id_len},
	    {CKA_LABEL, label, strlen(order->label)},
	    {CKA_MODULUS_BITS, &bits, sizeof(bits)},
	    {CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)},
	};
	CK_ULONG private_n = 7, public_n = 5;

	for (size_t i = 0; i < OPTIONAL_N; i++)
		if ((with >> i & 1) != 0)
			private_attrs[private_n++] =
			    (CK_ATTRIBUTE){optional[i].type, &no, sizeof(no)};
	if (order->type->curve != NULL) {
		public_attrs[3] = (CK_ATTRIBUTE){CKA_EC_PARAMS,
		    (void *)(uintptr_t)order->type->curve, order->type->curve_len};
		public_n = 4;
	}
	return token_fns(t)->C_GenerateKeyPair(s, &mechanism, public_attrs, public_n,
	    private_attrs, private_n, &ret->public, &ret->private);
}

/* Answers that mean "not with these attributes" (PKCS #11 3.1 "C_GenerateKeyPair"). */
static bool
is_about_attributes(CK_RV rv)
{
	return rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_VALUE_INVALID ||
	       rv == CKR_ATTRIBUTE_READ_ONLY || rv == CKR_TEMPLATE_INCONSISTENT;
}

static unsigned
bits_of(unsigned v)
{
	unsigned n = 0;

	for (; v != 0; v &= v - 1)
		n++;
	return n;
}

bool
make_key(const struct token *t, CK_SESSION_HANDLE s, const struct make_order *order,
    struct made *ret, struct kd_err *e)
{
	struct made m = {0};
	unsigned most = ALL & ~order->without, with = most;
	CK_RV first = generate(t, s, order, with, &m), rv = first;

	/* As few as can be are left out, so that what is named is what the token refuses. */
	for (unsigned n = 1; is_about_attributes(rv) && n <= OPTIONAL_N; n++) {
		for (unsigned out = 1; is_about_attributes(rv) && out <= ALL; out++) {
			if (bits_of(out) != n || (out & ~most) != 0)
				continue;
			with = most & ~out;
			rv = generate(t, s, order, with, &m);
		}
	}
	if (is_about_attributes(rv)) /* the first answer is the one to look into */
		return rv_fail(
		    e, first, "C_GenerateKeyPair, with and without what may be left out");
	if (rv != CKR_OK)
		return rv_fail(e, rv, "C_GenerateKeyPair");
	m.without = ALL & ~with;
	*ret = m;
	return true;
}

void
make_without_names(unsigned without, struct buf *ret)
{
	for (size_t i = 0; i < OPTIONAL_N; i++)
		if ((without >> i & 1) != 0)
			buf_printf(
			    ret, "%s%s", ret->len > 0 ? ", " : "", optional[i].name);
}

void
make_describe(const struct make_order *order, bool random_id, struct buf *ret)
{
	buf_printf(
	    ret, "  private key: %s '%s' id ", order->type->shown, SHOW(order->label));
	if (random_id)
		buf_printf(ret, "of %zu random bytes", order->id_len);
	else
		text_hex(ret, order->id, order->id_len);
	buf_str(ret, "\n    CKA_TOKEN yes, CKA_PRIVATE yes, CKA_SENSITIVE yes, "
		     "CKA_EXTRACTABLE no, "
		     "CKA_SIGN yes\n    and, unless the token refuses them:");
	for (size_t i = 0; i < OPTIONAL_N; i++)
		buf_printf(ret, "%s %s no", i > 0 ? "," : "", optional[i].name);
	buf_str(ret, "\n  public key: the same label and id\n");
}
