/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_mech.h - a token's mechanisms: which, and their names. */
#ifndef KD_PKCS11_CEREMONY_MECH_H
#define KD_PKCS11_CEREMONY_MECH_H
#include "base/builder.h"
#include "base/error.h"
#include "pkcs11/token.h"

#define MECHS_MAX 512

struct mech {
	CK_MECHANISM_TYPE type;
	CK_ULONG min, max; /* key sizes, in the unit that the token uses */
	CK_FLAGS flags;
};
/* All that the token names, MECHS_MAX at most. Errors: KD_E_TOKEN. */
bool mech_list(const struct token *t, struct mech ret[MECHS_MAX], size_t *ret_n,
    struct kd_err *e) KD_MUST;
/* "CKM_RSA_PKCS"; NULL for those that have nothing to do with signatures and keys. */
const char *mech_name(CK_MECHANISM_TYPE type);
#endif
