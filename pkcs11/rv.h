/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/rv.h - every CK_RV: its name, what it means to us, and what to do about it. */
#ifndef KD_PKCS11_RV_H
#define KD_PKCS11_RV_H
#include "base/error.h"

struct rv_info {
	unsigned long rv;
	const char *name;  /* "CKR_DEVICE_REMOVED"; "unknown" for a vendor's */
	enum kd_code code; /* for a signing call; a failed C_Login is always KD_E_PIN */
	bool retry;        /* once, by a fresh child, when C_SignInit gave it: C_Sign is
			    * called once at most for each job */
	bool replace;      /* the child cannot go on: fresh process, module loaded anew */
	bool key_unusable; /* the key, not the token, is at fault */
};

/* Never NULL. An unknown value is of the worst class: KD_E_TOKEN, never retried, replace.
 */
const struct rv_info *rv_info(unsigned long rv);
/*
 * Of the answer to C_Sign: rv_info's code, but where the module may be confused nobody
 * knows whether the token made a signature: KD_E_UNKNOWN_OUTCOME.
 */
enum kd_code rv_sign_code(unsigned long rv);
/* The token is not there any more, or another: no fault of the module's. */
bool rv_is_gone(unsigned long rv);
/* "C_Login: CKR_PIN_INCORRECT (0xa0)" with the code of the table. Always false. */
bool rv_fail(struct kd_err *e, unsigned long rv, const char *call);
#endif
