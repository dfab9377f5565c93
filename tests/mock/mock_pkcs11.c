/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/mock/mock_pkcs11.c - a PKCS#11 module that forwards to a real one and misbehaves
 * on request.
 *
 *	MOCK_MODULE   path of the real module
 *	MOCK_DIR      folder with the files below
 *
 * We read, at each call,
 *
 * "control"     lines FUNCTION ACTION [NUMBER] [key ID] [once | at N | every N | chance N]
 *
 *	hang          never returns
 *	delay MS      returns that much later
 *	fail CKR      returns that value and does nothing
 *	crash, abort  SIGSEGV, SIGABRT
 *	flags CKF     C_GetTokenInfo: these flags are set, too
 *	short         C_Sign: one byte less than there are
 *	flip BIT      C_Sign: that bit of the signature is another
 *	wrongkey      C_SignInit: with another private key of the token, of the same type
 *	purge         before the call all sessions are closed behind the caller's back
 *	leak MB       so much memory is lost
 *
 *	once          the first call takes it: the file is renamed to control.used, by
 *	              exactly one thread of all processes
 *	at N          the Nth call of that function ever, in whichever process
 *	every N       each Nth; chance N: so many in a hundred
 *	key ID        only where the key of that CKA_ID, in hex, signs: in C_Sign
 *
 * "token"       any of: gone; slot N (added to the slot's number); serial TEXT;
 *               sessions N (no more at a time)
 *
 * "refused"     numbers of attributes, or NUMBER=0, NUMBER=1: C_GenerateKeyPair with one of
 *               them for the private key is CKR_ATTRIBUTE_TYPE_INVALID, as by a token that
 *               does not know it
 *
 * "lies"        pairs of an attribute's number and 0 or 1: what is read of every object
 *
 * "made.N", "value.N" (N from 0 to 7)   a certificate that only we have: "token" (stored) or
 *               "module" (made when it is read: CKA_TOKEN false), CKA_ID in hex, CKA_LABEL;
 *               and its DER. Nobody can destroy it
 *
 * and write
 *
 * "calls"       one line for every call of a function that is watched
 * "signed"      what C_Sign is to sign, in hex, before it does; not when it fails at once
 * "journal"     "sign TIME-NS PID SESSION KEY-HANDLE KEY-ID DATA" before each C_Sign, also
 *               one that fails at once; "gave TIME-NS PID SESSION CKR LENGTH" after it
 * "violations"  what the caller did wrong: calls before C_Initialize or after C_Finalize,
 *               two threads in one session, a PIN that is still in the caller's memory
 *               when it makes its next call after C_Login
 *
 * With MOCK_NULL in the environment C_SignInit and C_Sign do nothing at all, as fast as
 * can be.
 */
#include "config.h"

#include "mock.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNED_MAX 128         /* a DigestInfo or digest is shorter */
#define NULL_SIGNATURE_LEN 384 /* RSA-3072 */
#define SIGNATURE_MAX 1024
#define ID_MAX 64
#define KEYS_MAX 32

static CK_FUNCTION_LIST *real; /* of MOCK_MODULE */
static CK_FUNCTION_LIST mock;
static _Atomic CK_SLOT_ID used_slot; /* of the last C_OpenSession */
static _Atomic bool was_gone;
static _Atomic unsigned long open_sessions;

/*
 * The head of every call: CKR_OK to go on. A token that was gone has lost its sessions,
 * also when it comes back.
 */
static CK_RV
begin(enum mock_fn f, CK_SESSION_HANDLE s, struct mock_order *ret)
{
	struct mock_token t = mock_token();

	mock_enter(f, s);
	*ret = mock_order(f, s);
	if (ret->action == PURGE || (t.gone && !atomic_exchange(&was_gone, true)))
		(void)real->C_CloseAllSessions(atomic_load(&used_slot));
	if (!t.gone)
		atomic_store(&was_gone, false);
	if (ret->action == FAIL)
		return ret->number;
	return t.gone && s != 0 ? CKR_DEVICE_REMOVED : CKR_OK;
}

static CK_RV
end(enum mock_fn f, CK_SESSION_HANDLE s, CK_RV rv)
{
	mock_leave(f, s, rv);
	return rv;
}

/* A call with nothing peculiar about it. */
#define FORWARD(name, session, call)                                                     \
	do {                                                                             \
		struct mock_order o;                                                     \
		CK_RV rv = begin(FN_##name, session, &o);                                \
                                                                                         \
		if (rv == CKR_OK)                                                        \
			rv = real->C_##name call;                                        \
		return end(FN_##name, session, rv);                                      \
	} while (0)

static CK_RV
mock_Initialize(void *args)
{
	FORWARD(Initialize, 0, (args));
}

static CK_RV
mock_Finalize(void *reserved)
{
	FORWARD(Finalize, 0, (reserved));
}

static CK_RV
mock_GetInfo(CK_INFO *info)
{
	FORWARD(GetInfo, 0, (info));
}

static CK_RV
mock_GetSlotList(CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *n)
{
	struct mock_token t = mock_token();
	struct mock_order o;
	CK_RV rv = begin(FN_GetSlotList, 0, &o);

	if (rv == CKR_OK)
		rv = real->C_GetSlotList(present, list, n);
	if (rv == CKR_OK && t.gone && present)
		*n = 0;
	for (CK_ULONG i = 0; rv == CKR_OK && list != NULL && i < *n; i++)
		list[i] += t.slot;
	return end(FN_GetSlotList, 0, rv);
}

/* The real number of a slot; a number from before it changed is no slot's. */
static CK_RV
real_slot(CK_SLOT_ID slot, CK_SLOT_ID *ret)
{
	struct mock_token t = mock_token();

	*ret = slot - t.slot;
	return slot < t.slot ? CKR_SLOT_ID_INVALID : CKR_OK;
}

static CK_RV
mock_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
	struct mock_order o;
	CK_RV rv = begin(FN_GetSlotInfo, 0, &o);

	if (rv == CKR_OK)
		rv = real_slot(slot, &slot);
	if (rv == CKR_OK)
		rv = real->C_GetSlotInfo(slot, info);
	if (rv == CKR_OK && mock_token().gone)
		info->flags &= ~(CK_FLAGS)CKF_TOKEN_PRESENT;
	return end(FN_GetSlotInfo, 0, rv);
}

static CK_RV
mock_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	struct mock_token t = mock_token();
	struct mock_order o;
	CK_RV rv = begin(FN_GetTokenInfo, 0, &o);

	if (rv == CKR_OK)
		rv = t.gone ? CKR_TOKEN_NOT_PRESENT : real_slot(slot, &slot);
	if (rv == CKR_OK)
		rv = real->C_GetTokenInfo(slot, info);
	if (rv == CKR_OK && o.action == FLAGS)
		info->flags |= o.number;
	if (rv == CKR_OK && t.serial[0] != '\0' &&
	    (info->flags & CKF_TOKEN_INITIALIZED) != 0) {
		memset(info->serialNumber, ' ', sizeof(info->serialNumber));
		memcpy(info->serialNumber, t.serial, strlen(t.serial));
	}
	return end(FN_GetTokenInfo, 0, rv);
}

static CK_RV
mock_GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *n)
{
	FORWARD(GetMechanismList, 0, (slot - mock_token().slot, list, n));
}

static CK_RV
mock_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
	FORWARD(GetMechanismInfo, 0, (slot - mock_token().slot, type, info));
}

static CK_RV
mock_OpenSession(
    CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify, CK_SESSION_HANDLE *ret)
{
	struct mock_order o;
	CK_RV rv = begin(FN_OpenSession, 0, &o);

	if (rv == CKR_OK)
		rv = mock_token().gone ? CKR_TOKEN_NOT_PRESENT : real_slot(slot, &slot);
	if (rv == CKR_OK) {
		atomic_store(&used_slot, slot);
		rv = mock_token().sessions == 0 ||
			     atomic_load(&open_sessions) < mock_token().sessions
			 ? real->C_OpenSession(slot, flags, app, notify, ret)
			 : CKR_SESSION_COUNT;
	}
	if (rv == CKR_OK)
		atomic_fetch_add(&open_sessions, 1);
	return end(FN_OpenSession, 0, rv);
}

static CK_RV
mock_CloseSession(CK_SESSION_HANDLE s)
{
	struct mock_order o;
	CK_RV rv = begin(FN_CloseSession, s, &o);

	if (rv == CKR_OK)
		rv = real->C_CloseSession(s);
	if (rv == CKR_OK)
		atomic_fetch_sub(&open_sessions, 1);
	return end(FN_CloseSession, s, rv);
}

static CK_RV
mock_CloseAllSessions(CK_SLOT_ID slot)
{
	FORWARD(CloseAllSessions, 0, (slot - mock_token().slot));
}

static CK_RV
mock_GetSessionInfo(CK_SESSION_HANDLE s, CK_SESSION_INFO *info)
{
	FORWARD(GetSessionInfo, s, (s, info));
}

static CK_RV
mock_Login(CK_SESSION_HANDLE s, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG n)
{
	struct mock_order o;
	CK_RV rv;

	mock_note_pin(pin, n);
	rv = begin(FN_Login, s, &o);
	if (rv == CKR_OK)
		rv = real->C_Login(s, user, pin, n);
	return end(FN_Login, s, rv);
}

static CK_RV
mock_Logout(CK_SESSION_HANDLE s)
{
	FORWARD(Logout, s, (s));
}

static CK_RV
mock_FindObjectsInit(CK_SESSION_HANDLE s, CK_ATTRIBUTE *tmpl, CK_ULONG n)
{
	mock_attest_find(tmpl, n);
	FORWARD(FindObjectsInit, s, (s, tmpl, n));
}

static CK_RV
mock_FindObjects(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE *o, CK_ULONG max, CK_ULONG *n)
{
	struct mock_order order;
	CK_RV rv = begin(FN_FindObjects, s, &order);

	if (rv == CKR_OK)
		rv = real->C_FindObjects(s, o, max, n);
	if (rv == CKR_OK)
		mock_attest_give(o, max, n);
	return end(FN_FindObjects, s, rv);
}

static CK_RV
mock_FindObjectsFinal(CK_SESSION_HANDLE s)
{
	FORWARD(FindObjectsFinal, s, (s));
}

static CK_RV
mock_GetAttributeValue(
    CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *tmpl, CK_ULONG n)
{
	struct mock_order o;
	CK_RV rv = begin(FN_GetAttributeValue, s, &o);

	if (rv == CKR_OK)
		rv = mock_attest_is(object)
			 ? mock_attest_read(object, tmpl, n)
			 : real->C_GetAttributeValue(s, object, tmpl, n);
	if (rv == CKR_OK)
		mock_lie(tmpl, n);
	return end(FN_GetAttributeValue, s, rv);
}

static CK_RV
mock_SetAttributeValue(
    CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *tmpl, CK_ULONG n)
{
	FORWARD(SetAttributeValue, s, (s, object, tmpl, n));
}

static CK_RV
mock_CreateObject(
    CK_SESSION_HANDLE s, CK_ATTRIBUTE *tmpl, CK_ULONG n, CK_OBJECT_HANDLE *ret)
{
	FORWARD(CreateObject, s, (s, tmpl, n, ret));
}

static CK_RV
mock_DestroyObject(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object)
{
	struct mock_order o;
	CK_RV rv = begin(FN_DestroyObject, s, &o);

	if (rv == CKR_OK)
		rv = mock_attest_is(object) ? CKR_ACTION_PROHIBITED
					    : real->C_DestroyObject(s, object);
	return end(FN_DestroyObject, s, rv);
}

static CK_RV
mock_GenerateKeyPair(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_ATTRIBUTE *pub,
    CK_ULONG pub_n, CK_ATTRIBUTE *prv, CK_ULONG prv_n, CK_OBJECT_HANDLE *ret_pub,
    CK_OBJECT_HANDLE *ret_prv)
{
	struct mock_order o;
	CK_RV rv = begin(FN_GenerateKeyPair, s, &o);

	if (rv == CKR_OK && mock_refuses(prv, prv_n))
		rv = CKR_ATTRIBUTE_TYPE_INVALID;
	if (rv == CKR_OK)
		rv = real->C_GenerateKeyPair(
		    s, m, pub, pub_n, prv, prv_n, ret_pub, ret_prv);
	return end(FN_GenerateKeyPair, s, rv);
}

static CK_RV
mock_GenerateRandom(CK_SESSION_HANDLE s, CK_BYTE *dst, CK_ULONG n)
{
	FORWARD(GenerateRandom, s, (s, dst, n));
}

/* CKA_ID in hex; asked once for each key. */
static void
id_of(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, char dst[2 * ID_MAX + 1])
{
	static _Thread_local struct {
		CK_OBJECT_HANDLE key;
		char id[2 * ID_MAX + 1];
	} seen[KEYS_MAX];
	CK_BYTE id[ID_MAX];
	CK_ATTRIBUTE a = {.type = CKA_ID, .pValue = id, .ulValueLen = sizeof(id)};
	size_t at = key % KEYS_MAX;

	dst[0] = '\0';
	if (seen[at].key == key) {
		memcpy(dst, seen[at].id, sizeof(seen[at].id));
		return;
	}
	if (real->C_GetAttributeValue(s, key, &a, 1) != CKR_OK || a.ulValueLen > ID_MAX)
		return;
	for (CK_ULONG i = 0; i < a.ulValueLen; i++)
		(void)snprintf(&dst[2 * i], 3, "%02x", id[i]);
	seen[at].key = key;
	memcpy(seen[at].id, dst, sizeof(seen[at].id));
}

/* Another private key of the same type; the same one when there is no other. */
static CK_OBJECT_HANDLE
other_key(CK_OBJECT_HANDLE key)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_KEY_TYPE type = 0;
	CK_ATTRIBUTE find[2] = {
	    {.type = CKA_CLASS, .pValue = &class, .ulValueLen = sizeof(class)},
	    {.type = CKA_KEY_TYPE, .pValue = &type, .ulValueLen = sizeof(type)},
	};
	CK_OBJECT_HANDLE found[KEYS_MAX];
	CK_SESSION_HANDLE s;
	CK_ULONG n = 0;

	if (real->C_OpenSession(
		atomic_load(&used_slot), CKF_SERIAL_SESSION, NULL, NULL, &s) != CKR_OK)
		return key;
	if (real->C_GetAttributeValue(s, key, &find[1], 1) == CKR_OK &&
	    real->C_FindObjectsInit(s, find, 2) == CKR_OK) {
		if (real->C_FindObjects(s, found, KEYS_MAX, &n) != CKR_OK)
			n = 0;
		(void)real->C_FindObjectsFinal(s);
	}
	(void)real->C_CloseSession(s);
	while (n > 0 && found[n - 1] == key)
		n--;
	return n > 0 ? found[n - 1] : key;
}

static CK_RV
mock_SignInit(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
	char id[2 * ID_MAX + 1];
	struct mock_order o;
	CK_RV rv = begin(FN_SignInit, s, &o);

	if (rv == CKR_OK) {
		id_of(s, key, id);
		mock_journal_key(s, key, id);
		rv = real->C_SignInit(s, m, o.action == WRONGKEY ? other_key(key) : key);
	}
	return end(FN_SignInit, s, rv);
}

static void
keep_signed(const CK_BYTE *data, CK_ULONG n)
{
	char line[2 * SIGNED_MAX + 2];

	if (n > SIGNED_MAX)
		n = SIGNED_MAX;
	for (CK_ULONG i = 0; i < n; i++)
		(void)snprintf(line + 2 * i, 3, "%02x", data[i]);
	line[2 * n] = '\n';
	line[2 * n + 1] = '\0';
	mock_append("signed", line);
}

/* C_Sign ends the operation also when it fails, but for a buffer that is too small
 * (PKCS #11 3.1 "C_Sign"): the next C_SignInit in that session is none too many. */
static void
end_operation(CK_SESSION_HANDLE s, CK_BYTE *data, CK_ULONG n, CK_RV rv)
{
	CK_BYTE nobodys[SIGNATURE_MAX];
	CK_ULONG len = sizeof(nobodys);

	if (rv != CKR_BUFFER_TOO_SMALL)
		(void)real->C_Sign(s, data, n, nobodys, &len);
}

static CK_RV
mock_Sign(CK_SESSION_HANDLE s, CK_BYTE *data, CK_ULONG n, CK_BYTE *sig, CK_ULONG *sig_len)
{
	struct mock_order o;
	CK_RV rv;

	mock_journal_sign(s, data, n);
	rv = begin(FN_Sign, s, &o);
	if (rv == CKR_OK) {
		keep_signed(data, n);
		rv = real->C_Sign(s, data, n, sig, sig_len);
	} else if (o.action == FAIL) {
		end_operation(s, data, n, rv);
	}
	if (rv == CKR_OK && o.action == SHORT)
		--*sig_len;
	if (rv == CKR_OK && o.action == FLIP)
		sig[o.number / 8 % *sig_len] ^= (CK_BYTE)(1u << o.number % 8);
	mock_journal_gave(s, rv, sig_len != NULL ? *sig_len : 0);
	return end(FN_Sign, s, rv);
}

static CK_RV
null_sign_init(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
	return CKR_OK;
}

static CK_RV
null_sign(CK_SESSION_HANDLE s, CK_BYTE *data, CK_ULONG n, CK_BYTE *sig, CK_ULONG *sig_len)
{
	memset(sig, 0x5a, NULL_SIGNATURE_LEN);
	*sig_len = NULL_SIGNATURE_LEN;
	return CKR_OK;
}

static CK_RV
open_real(void)
{
	const char *path = getenv("MOCK_MODULE"), *dir = getenv("MOCK_DIR");
	void *so, *sym;
	CK_C_GetFunctionList get;

	if (path == NULL || dir == NULL || !mock_rules_open(dir))
		return CKR_ARGUMENTS_BAD;
	so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	sym = so != NULL ? dlsym(so, "C_GetFunctionList") : NULL;
	if (sym == NULL)
		return CKR_LIBRARY_LOAD_FAILED;
	memcpy(&get, &sym, sizeof(get));
	return get(&real);
}

#define MOCK_SET(f) mock.C_##f = mock_##f;

static CK_RV
mock_GetFunctionList(CK_FUNCTION_LIST **ret)
{
	CK_RV rv = real != NULL ? CKR_OK : open_real();
	struct mock_order o;

	if (rv == CKR_OK)
		rv = begin(FN_GetFunctionList, 0, &o);
	if (rv != CKR_OK)
		return rv;
	mock = *real;
	MOCK_FUNCTIONS(MOCK_SET)
	mock.C_GetFunctionList = C_GetFunctionList;
	if (getenv("MOCK_NULL") != NULL) {
		mock.C_SignInit = null_sign_init;
		mock.C_Sign = null_sign;
	}
	*ret = &mock;
	return CKR_OK;
}

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
	return mock_GetFunctionList(ret);
}
