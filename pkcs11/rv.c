/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/rv.c - every CK_RV of PKCS #11 3.1 and what a signer does about it. */
#include "pkcs11/rv.h"

#include <p11-kit/pkcs11.h>

#include "base/num.h"

/* The classes of answers; a value that has no business in a signing call is a FAULT as
 * well. */
#define PLAIN KD_E_TOKEN, false, false, false     /* reported; the session is whole */
#define FAULT KD_E_TOKEN, false, true, false      /* token gone or module confused */
#define FAULT_ONCE KD_E_TOKEN, true, true, false  /* a fresh module often cures it */
#define OURS KD_E_BUG, false, true, false         /* the operation is left active */
#define DATA KD_E_KEY, false, false, false        /* this digest with this key */
#define KEY KD_E_KEY, false, false, true          /* this key with any digest */
#define PIN KD_E_PIN, false, true, false
#define ROW(name, class)                                                                 \
	{                                                                                \
		name, #name, class                                                       \
	}

static const struct rv_info table[] = {
    ROW(CKR_OK, PLAIN),
    ROW(CKR_CANCEL, PLAIN),
    ROW(CKR_HOST_MEMORY, FAULT_ONCE),
    ROW(CKR_SLOT_ID_INVALID, FAULT),
    ROW(CKR_GENERAL_ERROR, FAULT_ONCE),
    ROW(CKR_FUNCTION_FAILED, FAULT_ONCE),
    ROW(CKR_ARGUMENTS_BAD, FAULT),
    ROW(CKR_NO_EVENT, FAULT),
    ROW(CKR_NEED_TO_CREATE_THREADS, FAULT),
    ROW(CKR_CANT_LOCK, FAULT),
    ROW(CKR_ATTRIBUTE_READ_ONLY, FAULT),
    ROW(CKR_ATTRIBUTE_SENSITIVE, PLAIN),
    ROW(CKR_ATTRIBUTE_TYPE_INVALID, PLAIN),
    ROW(CKR_ATTRIBUTE_VALUE_INVALID, FAULT),
    ROW(CKR_ACTION_PROHIBITED, FAULT),
    ROW(CKR_DATA_INVALID, DATA),
    ROW(CKR_DATA_LEN_RANGE, DATA),
    ROW(CKR_DEVICE_ERROR, FAULT_ONCE),
    ROW(CKR_DEVICE_MEMORY, FAULT_ONCE),
    ROW(CKR_DEVICE_REMOVED, FAULT),
    ROW(CKR_ENCRYPTED_DATA_INVALID, FAULT),
    ROW(CKR_ENCRYPTED_DATA_LEN_RANGE, FAULT),
    ROW(CKR_FUNCTION_CANCELED, PLAIN),
    ROW(CKR_FUNCTION_NOT_PARALLEL, FAULT),
    ROW(CKR_FUNCTION_NOT_SUPPORTED, FAULT),
    ROW(CKR_KEY_HANDLE_INVALID, FAULT_ONCE),
    ROW(CKR_KEY_SIZE_RANGE, KEY),
    ROW(CKR_KEY_TYPE_INCONSISTENT, KEY),
    ROW(CKR_KEY_NOT_NEEDED, FAULT),
    ROW(CKR_KEY_CHANGED, FAULT),
    ROW(CKR_KEY_NEEDED, FAULT),
    ROW(CKR_KEY_INDIGESTIBLE, FAULT),
    ROW(CKR_KEY_FUNCTION_NOT_PERMITTED, KEY),
    ROW(CKR_KEY_NOT_WRAPPABLE, FAULT),
    ROW(CKR_KEY_UNEXTRACTABLE, FAULT),
    ROW(CKR_MECHANISM_INVALID, KEY),
    ROW(CKR_MECHANISM_PARAM_INVALID, KEY),
    ROW(CKR_OBJECT_HANDLE_INVALID, FAULT_ONCE),
    ROW(CKR_OPERATION_ACTIVE, FAULT_ONCE),
    ROW(CKR_OPERATION_NOT_INITIALIZED, FAULT_ONCE),
    ROW(CKR_PIN_INCORRECT, PIN),
    ROW(CKR_PIN_INVALID, PIN),
    ROW(CKR_PIN_LEN_RANGE, PIN),
    ROW(CKR_PIN_EXPIRED, PIN),
    ROW(CKR_PIN_LOCKED, PIN),
    ROW(CKR_SESSION_CLOSED, FAULT_ONCE),
    ROW(CKR_SESSION_COUNT, PLAIN),
    ROW(CKR_SESSION_HANDLE_INVALID, FAULT_ONCE),
    ROW(CKR_SESSION_PARALLEL_NOT_SUPPORTED, FAULT),
    ROW(CKR_SESSION_READ_ONLY, FAULT),
    ROW(CKR_SESSION_EXISTS, FAULT),
    ROW(CKR_SESSION_READ_ONLY_EXISTS, FAULT),
    ROW(CKR_SESSION_READ_WRITE_SO_EXISTS, FAULT),
    ROW(CKR_SIGNATURE_INVALID, FAULT),
    ROW(CKR_SIGNATURE_LEN_RANGE, FAULT),
    ROW(CKR_TEMPLATE_INCOMPLETE, FAULT),
    ROW(CKR_TEMPLATE_INCONSISTENT, FAULT),
    ROW(CKR_TOKEN_NOT_PRESENT, FAULT),
    ROW(CKR_TOKEN_NOT_RECOGNIZED, FAULT),
    ROW(CKR_TOKEN_WRITE_PROTECTED, FAULT),
    ROW(CKR_UNWRAPPING_KEY_HANDLE_INVALID, FAULT),
    ROW(CKR_UNWRAPPING_KEY_SIZE_RANGE, FAULT),
    ROW(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT, FAULT),
    ROW(CKR_USER_ALREADY_LOGGED_IN, PLAIN),
    ROW(CKR_USER_NOT_LOGGED_IN, FAULT_ONCE),
    ROW(CKR_USER_PIN_NOT_INITIALIZED, PIN),
    ROW(CKR_USER_TYPE_INVALID, FAULT),
    ROW(CKR_USER_ANOTHER_ALREADY_LOGGED_IN, FAULT),
    ROW(CKR_USER_TOO_MANY_TYPES, FAULT),
    ROW(CKR_WRAPPED_KEY_INVALID, FAULT),
    ROW(CKR_WRAPPED_KEY_LEN_RANGE, FAULT),
    ROW(CKR_WRAPPING_KEY_HANDLE_INVALID, FAULT),
    ROW(CKR_WRAPPING_KEY_SIZE_RANGE, FAULT),
    ROW(CKR_WRAPPING_KEY_TYPE_INCONSISTENT, FAULT),
    ROW(CKR_RANDOM_SEED_NOT_SUPPORTED, FAULT),
    ROW(CKR_RANDOM_NO_RNG, FAULT),
    ROW(CKR_DOMAIN_PARAMS_INVALID, FAULT),
    ROW(CKR_CURVE_NOT_SUPPORTED, FAULT),
    ROW(CKR_BUFFER_TOO_SMALL, OURS),
    ROW(CKR_SAVED_STATE_INVALID, FAULT),
    ROW(CKR_INFORMATION_SENSITIVE, FAULT),
    ROW(CKR_STATE_UNSAVEABLE, FAULT),
    ROW(CKR_CRYPTOKI_NOT_INITIALIZED, FAULT_ONCE),
    ROW(CKR_CRYPTOKI_ALREADY_INITIALIZED, PLAIN),
    ROW(CKR_MUTEX_BAD, FAULT),
    ROW(CKR_MUTEX_NOT_LOCKED, FAULT),
    ROW(CKR_NEW_PIN_MODE, FAULT),
    ROW(CKR_NEXT_OTP, FAULT),
    ROW(CKR_EXCEEDED_MAX_ITERATIONS, FAULT),
    ROW(CKR_FIPS_SELF_TEST_FAILED, FAULT),
    ROW(CKR_LIBRARY_LOAD_FAILED, FAULT),
    ROW(CKR_PIN_TOO_WEAK, FAULT),
    ROW(CKR_PUBLIC_KEY_INVALID, FAULT),
    ROW(CKR_FUNCTION_REJECTED, PLAIN),
};

static const struct rv_info unknown = {CKR_VENDOR_DEFINED, "unknown", FAULT};

const struct rv_info *
rv_info(unsigned long rv)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(table); i++) {
		if (table[i].rv == rv)
			return &table[i];
	}
	return &unknown;
}

enum kd_code
rv_sign_code(unsigned long rv)
{
	const struct rv_info *i = rv_info(rv);

	return i->code == KD_E_TOKEN && i->replace ? KD_E_UNKNOWN_OUTCOME : i->code;
}

bool
rv_is_gone(unsigned long rv)
{
	return rv == CKR_DEVICE_REMOVED || rv == CKR_TOKEN_NOT_PRESENT ||
	       rv == CKR_TOKEN_NOT_RECOGNIZED || rv == CKR_SLOT_ID_INVALID;
}

bool
rv_fail(struct kd_err *e, unsigned long rv, const char *call)
{
	const struct rv_info *i = rv_info(rv);

	return kd_fail(e, i->code, "%s: %s (0x%lx)", call, i->name, rv);
}
