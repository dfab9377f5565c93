/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_mech.c - a token's mechanisms: which, and their names. */
#include "pkcs11/ceremony_mech.h"

#include "base/num.h"
#include "pkcs11/rv.h"

#define ROW(name)                                                                        \
	{                                                                                \
		name, #name                                                              \
	}

/* Those that make key pairs or sign: what a custodian asks about. */
static const struct {
	CK_MECHANISM_TYPE type;
	const char *name;
} names[] = {
    ROW(CKM_RSA_PKCS_KEY_PAIR_GEN),
    ROW(CKM_RSA_X9_31_KEY_PAIR_GEN),
    ROW(CKM_EC_KEY_PAIR_GEN),
    ROW(CKM_RSA_PKCS),
    ROW(CKM_RSA_X_509),
    ROW(CKM_RSA_PKCS_PSS),
    ROW(CKM_SHA1_RSA_PKCS),
    ROW(CKM_SHA256_RSA_PKCS),
    ROW(CKM_SHA384_RSA_PKCS),
    ROW(CKM_SHA512_RSA_PKCS),
    ROW(CKM_SHA1_RSA_PKCS_PSS),
    ROW(CKM_SHA256_RSA_PKCS_PSS),
    ROW(CKM_SHA384_RSA_PKCS_PSS),
    ROW(CKM_SHA512_RSA_PKCS_PSS),
    ROW(CKM_ECDSA),
    ROW(CKM_ECDSA_SHA1),
    ROW(CKM_ECDSA_SHA256),
    ROW(CKM_ECDSA_SHA384),
    ROW(CKM_ECDSA_SHA512),
};

const char *
mech_name(CK_MECHANISM_TYPE type)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++)
		if (names[i].type == type)
			return names[i].name;
	return NULL;
}

bool
mech_list(
    const struct token *t, struct mech ret[MECHS_MAX], size_t *ret_n, struct kd_err *e)
{
	CK_FUNCTION_LIST *f = token_fns(t);
	CK_MECHANISM_TYPE all[MECHS_MAX];
	CK_ULONG n = MECHS_MAX;
	CK_RV rv = f->C_GetMechanismList(token_slot(t), all, &n);

	if (rv != CKR_OK)
		return rv_fail(e, rv, "C_GetMechanismList");
	for (CK_ULONG i = 0; i < n; i++) {
		CK_MECHANISM_INFO info = {0};

		(void)f->C_GetMechanismInfo(token_slot(t), all[i], &info);
		ret[i] = (struct mech){.type = all[i],
		    .min = info.ulMinKeySize,
		    .max = info.ulMaxKeySize,
		    .flags = info.flags};
	}
	*ret_n = n;
	return true;
}
