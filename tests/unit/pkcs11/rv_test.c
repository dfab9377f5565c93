/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/pkcs11/rv_test.c - what each CK_RV means to a signer. */
#include "pkcs11/rv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <p11-kit/pkcs11.h>

#include "base/num.h"

static void
each_answer_has_its_treatment(void **state)
{
	static const struct {
		unsigned long rv;
		const char *name;
		enum kd_code code;
		bool retry, replace, key_unusable;
	} cases[] = {
	    {0x00, "CKR_OK", KD_E_TOKEN, false, false, false},
	    {0x02, "CKR_HOST_MEMORY", KD_E_TOKEN, true, true, false},
	    {0x05, "CKR_GENERAL_ERROR", KD_E_TOKEN, true, true, false},
	    {0x30, "CKR_DEVICE_ERROR", KD_E_TOKEN, true, true, false},
	    {0x31, "CKR_DEVICE_MEMORY", KD_E_TOKEN, true, true, false},
	    {0x32, "CKR_DEVICE_REMOVED", KD_E_TOKEN, false, true, false},
	    {0x21, "CKR_DATA_LEN_RANGE", KD_E_KEY, false, false, false},
	    {0x50, "CKR_FUNCTION_CANCELED", KD_E_TOKEN, false, false, false},
	    {0x60, "CKR_KEY_HANDLE_INVALID", KD_E_TOKEN, true, true, false},
	    {0x68, "CKR_KEY_FUNCTION_NOT_PERMITTED", KD_E_KEY, false, false, true},
	    {0x70, "CKR_MECHANISM_INVALID", KD_E_KEY, false, false, true},
	    {0xa0, "CKR_PIN_INCORRECT", KD_E_PIN, false, true, false},
	    {0xa4, "CKR_PIN_LOCKED", KD_E_PIN, false, true, false},
	    {0xb1, "CKR_SESSION_COUNT", KD_E_TOKEN, false, false, false},
	    {0xb3, "CKR_SESSION_HANDLE_INVALID", KD_E_TOKEN, true, true, false},
	    {0xe0, "CKR_TOKEN_NOT_PRESENT", KD_E_TOKEN, false, true, false},
	    {0x101, "CKR_USER_NOT_LOGGED_IN", KD_E_TOKEN, true, true, false},
	    {0x150, "CKR_BUFFER_TOO_SMALL", KD_E_BUG, false, true, false},
	    {0x190, "CKR_CRYPTOKI_NOT_INITIALIZED", KD_E_TOKEN, true, true, false},
	    {0x200, "CKR_FUNCTION_REJECTED", KD_E_TOKEN, false, false, false},
	    {0x80000383, "unknown", KD_E_TOKEN, false, true, false},
	    {0x12345, "unknown", KD_E_TOKEN, false, true, false},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		const struct rv_info *r = rv_info(cases[i].rv);

		assert_string_equal(r->name, cases[i].name);
		assert_int_equal(r->code, cases[i].code);
		assert_int_equal(r->retry, cases[i].retry);
		assert_int_equal(r->replace, cases[i].replace);
		assert_int_equal(r->key_unusable, cases[i].key_unusable);
	}
}

static void
an_answer_of_c_sign_that_may_be_wrong_is_unknown(void **state)
{
	assert_int_equal(rv_sign_code(CKR_DEVICE_ERROR), KD_E_UNKNOWN_OUTCOME);
	assert_int_equal(rv_sign_code(CKR_SESSION_HANDLE_INVALID), KD_E_UNKNOWN_OUTCOME);
	assert_int_equal(rv_sign_code(0x80000383UL), KD_E_UNKNOWN_OUTCOME);
	assert_int_equal(rv_sign_code(CKR_FUNCTION_REJECTED), KD_E_TOKEN);
	assert_int_equal(rv_sign_code(CKR_DATA_LEN_RANGE), KD_E_KEY);
	assert_int_equal(rv_sign_code(CKR_PIN_EXPIRED), KD_E_PIN);
	assert_int_equal(rv_sign_code(CKR_BUFFER_TOO_SMALL), KD_E_BUG);
}

static void
a_message_has_call_name_and_number(void **state)
{
	struct kd_err e = {0};

	assert_false(rv_fail(&e, CKR_DEVICE_REMOVED, "C_Sign"));
	assert_int_equal(e.code, KD_E_TOKEN);
	assert_string_equal(e.msg, "C_Sign: CKR_DEVICE_REMOVED (0x32)");
	e = (struct kd_err){0};
	assert_false(rv_fail(&e, 0x80000383UL, "C_SignInit"));
	assert_string_equal(e.msg, "C_SignInit: unknown (0x80000383)");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_answer_has_its_treatment),
	    cmocka_unit_test(an_answer_of_c_sign_that_may_be_wrong_is_unknown),
	    cmocka_unit_test(a_message_has_call_name_and_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
