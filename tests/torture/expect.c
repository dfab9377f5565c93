/* SPDX-License-Identifier: Apache-2.0 */
/* tests/torture/expect.c - what a signer has to answer to each fault. */
#include "tests/torture/expect.h"

#include <string.h>

#include "base/num.h"

const char *const expect_functions[] = {"C_GetFunctionList", "C_Initialize", "C_GetInfo",
    "C_GetSlotList", "C_GetSlotInfo", "C_GetTokenInfo", "C_OpenSession", "C_Login",
    "C_FindObjectsInit", "C_FindObjects", "C_FindObjectsFinal", "C_GetAttributeValue",
    "C_GetSessionInfo", "C_SignInit", "C_Sign", NULL};

/* Every CKR of PKCS #11 3.1 but OK, in the order of their numbers, and three of vendors. */
static const struct expect_ckr ckrs[] = {
    {0x1, CLASS_PLAIN, false}, {0x2, CLASS_AGAIN, true}, {0x3, CLASS_GONE, false},
    {0x5, CLASS_AGAIN, true}, {0x6, CLASS_AGAIN, false}, {0x7, CLASS_FAULT, true},
    {0x8, CLASS_FAULT, false}, {0x9, CLASS_FAULT, false}, {0xa, CLASS_FAULT, false},
    {0x10, CLASS_FAULT, false}, {0x11, CLASS_PLAIN, false}, {0x12, CLASS_PLAIN, false},
    {0x13, CLASS_FAULT, false}, {0x1b, CLASS_FAULT, false}, {0x20, CLASS_KEY, false},
    {0x21, CLASS_KEY, false}, {0x30, CLASS_AGAIN, true}, {0x31, CLASS_AGAIN, false},
    {0x32, CLASS_GONE, true}, {0x40, CLASS_FAULT, false}, {0x41, CLASS_FAULT, false},
    {0x50, CLASS_PLAIN, true}, {0x51, CLASS_FAULT, false}, {0x54, CLASS_FAULT, false},
    {0x60, CLASS_AGAIN, false}, {0x62, CLASS_KEY, false}, {0x63, CLASS_KEY, false},
    {0x64, CLASS_FAULT, false}, {0x65, CLASS_FAULT, false}, {0x66, CLASS_FAULT, false},
    {0x67, CLASS_FAULT, false}, {0x68, CLASS_KEY, false}, {0x69, CLASS_FAULT, false},
    {0x6a, CLASS_FAULT, false}, {0x70, CLASS_KEY, true}, {0x71, CLASS_KEY, false},
    {0x82, CLASS_AGAIN, false}, {0x90, CLASS_AGAIN, false}, {0x91, CLASS_AGAIN, false},
    {0xa0, CLASS_PIN, true}, {0xa1, CLASS_PIN, false}, {0xa2, CLASS_PIN, false},
    {0xa3, CLASS_PIN, false}, {0xa4, CLASS_PIN, false}, {0xb0, CLASS_AGAIN, false},
    {0xb1, CLASS_PLAIN, true}, {0xb3, CLASS_AGAIN, true}, {0xb4, CLASS_FAULT, false},
    {0xb5, CLASS_FAULT, false}, {0xb6, CLASS_FAULT, false}, {0xb7, CLASS_FAULT, false},
    {0xb8, CLASS_FAULT, false}, {0xc0, CLASS_FAULT, false}, {0xc1, CLASS_FAULT, false},
    {0xd0, CLASS_FAULT, false}, {0xd1, CLASS_FAULT, false}, {0xe0, CLASS_GONE, true},
    {0xe1, CLASS_GONE, false}, {0xe2, CLASS_FAULT, false}, {0xf0, CLASS_FAULT, false},
    {0xf1, CLASS_FAULT, false}, {0xf2, CLASS_FAULT, false}, {0x100, CLASS_PLAIN, false},
    {0x101, CLASS_AGAIN, true}, {0x102, CLASS_PIN, false}, {0x103, CLASS_FAULT, false},
    {0x104, CLASS_FAULT, false}, {0x105, CLASS_FAULT, false}, {0x110, CLASS_FAULT, false},
    {0x112, CLASS_FAULT, false}, {0x113, CLASS_FAULT, false}, {0x114, CLASS_FAULT, false},
    {0x115, CLASS_FAULT, false}, {0x120, CLASS_FAULT, false}, {0x121, CLASS_FAULT, false},
    {0x130, CLASS_FAULT, false}, {0x140, CLASS_FAULT, false}, {0x150, CLASS_OURS, true},
    {0x160, CLASS_FAULT, false}, {0x170, CLASS_FAULT, false}, {0x180, CLASS_FAULT, false},
    {0x190, CLASS_AGAIN, false}, {0x191, CLASS_PLAIN, false}, {0x1a0, CLASS_FAULT, false},
    {0x1a1, CLASS_FAULT, false}, {0x1b0, CLASS_FAULT, false}, {0x1b1, CLASS_FAULT, false},
    {0x1b5, CLASS_FAULT, false}, {0x1b6, CLASS_FAULT, false}, {0x1b7, CLASS_FAULT, false},
    {0x1b8, CLASS_FAULT, false}, {0x1b9, CLASS_FAULT, false}, {0x200, CLASS_PLAIN, false},
    {0x80000000, CLASS_FAULT, false}, {0x80000383, CLASS_FAULT, true},
    {0xdeadbeef, CLASS_FAULT, false},
};

#define USER_ALREADY_LOGGED_IN 0x100

const struct expect_ckr *
expect_ckr(size_t i)
{
	return i < KD_ARRAY_LEN(ckrs) ? &ckrs[i] : NULL;
}

bool
expect_in_signing(const char *function)
{
	return strcmp(function, "C_SignInit") == 0 || strcmp(function, "C_Sign") == 0;
}

static struct expected
expect_sign_init(const struct expect_ckr *c, bool always)
{
	struct expected x = {CODE(KD_E_TOKEN), UNHEARD};

	if (c->class == CLASS_AGAIN && !always)
		x.codes = CODE(KD_OK) | CODE(KD_E_TOKEN);
	else if (c->class == CLASS_KEY)
		x.codes = CODE(KD_E_KEY);
	else if (c->class == CLASS_PIN)
		x.codes = CODE(KD_E_PIN);
	else if (c->class == CLASS_OURS)
		x.codes = CODE(KD_E_BUG);
	return x;
}

static struct expected
expect_sign(const struct expect_ckr *c)
{
	struct expected x = {CODE(KD_E_UNKNOWN_OUTCOME), HEARD};

	if (c->class == CLASS_PLAIN)
		x.codes = CODE(KD_E_TOKEN);
	else if (c->class == CLASS_KEY)
		x.codes = CODE(KD_E_KEY);
	else if (c->class == CLASS_PIN)
		x.codes = CODE(KD_E_PIN);
	else if (c->class == CLASS_OURS)
		x.codes = CODE(KD_E_BUG);
	return x;
}

/*
 * A fault while the child starts, which a job waits for: it is signed after all, or refused
 * as unheard; after a login it is not signed.
 */
static struct expected
expect_start(const char *function)
{
	struct expected x = {CODE(KD_OK) | CODE(KD_E_TOKEN) | CODE(KD_E_KEY) |
				 CODE(KD_E_TOKEN_TIMEOUT),
	    UNHEARD};

	if (strcmp(function, "C_Login") == 0) /* or the breaker is open, or it hangs */
		x.codes = CODE(KD_E_PIN) | CODE(KD_E_TOKEN) | CODE(KD_E_TOKEN_TIMEOUT);
	return x;
}

struct expected
expect(const char *function, const struct expect_ckr *c, bool always)
{
	struct expected x;

	if (strcmp(function, "C_SignInit") == 0) {
		x = expect_sign_init(c, always);
	} else if (strcmp(function, "C_Sign") == 0) {
		x = expect_sign(c);
	} else {
		x = expect_start(function);
		if (c->rv == USER_ALREADY_LOGGED_IN) /* then we need not */
			x.codes |= CODE(KD_OK) | CODE(KD_E_KEY);
	}
	return x;
}

struct expected
expect_break(const char *function, bool hang)
{
	if (strcmp(function, "C_Sign") == 0)
		return (struct expected){
		    CODE(hang ? KD_E_TOKEN_TIMEOUT : KD_E_UNKNOWN_OUTCOME), HEARD};
	if (strcmp(function, "C_SignInit") == 0)
		return (struct expected){
		    CODE(KD_E_TOKEN_TIMEOUT) | (hang ? 0 : CODE(KD_OK)), UNHEARD};
	return expect_start(function);
}
