/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/null_token.c - a PKCS#11 module that costs nothing, so that what is left is ours.
 *
 *	NULLTOK_KEYS  PEM file with private keys: the first RSA one becomes the object
 *"rsa", the first EC one "ec" NULLTOK_US    microseconds that each C_Sign sleeps: a
 *network HSM
 *
 * The signatures are real. Each is computed once for each distinct input and answered
 *from memory afterwards. What PKCS#11 has beyond finding a key and signing with it is
 *left out: those entries of the function list are NULL.
 *
 * Spec: PKCS #11 2.40; CKM_RSA_PKCS gets a DigestInfo, CKM_ECDSA a digest.
 */
#include "config.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <p11-kit/pkcs11.h>

#define SLOT 1
#define KEYS 2
#define SESSIONS_MAX 256
#define DATA_MAX 128 /* DigestInfo of SHA-512: 83 */
#define SIGNATURE_MAX 512
#define BUCKETS 16384
#define STORED_MAX                                                                       \
	65536 /* then repeats are computed again: no run has so many inputs              \
	       */

struct stored {
	struct stored *next;
	size_t data_len, sig_len;
	uint8_t data[DATA_MAX], sig[SIGNATURE_MAX];
};

struct key {
	const char *label;
	CK_KEY_TYPE type;
	EVP_PKEY *pkey;
	uint8_t modulus[SIGNATURE_MAX], exponent[8], point[2 + 133];
	size_t modulus_len, exponent_len, point_len,
	    size; /* size: bytes of a signature */
	pthread_rwlock_t lock;
	struct stored *buckets[BUCKETS]; /* lock: lock */
	size_t stored_n;                 /* lock: lock */
};

struct session {         /* used by one thread at a time, as PKCS#11 asks */
	bool open;       /* lock: sessions_lock */
	struct key *key; /* of C_SignInit */
	size_t found;    /* keys told by C_FindObjects */
	bool matches[KEYS];
};

static const uint8_t p256[] = {
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static struct key keys[KEYS] = {
    {.label = "rsa", .type = CKK_RSA, .lock = PTHREAD_RWLOCK_INITIALIZER},
    {.label = "ec", .type = CKK_EC, .lock = PTHREAD_RWLOCK_INITIALIZER},
};
static pthread_mutex_t sessions_lock = PTHREAD_MUTEX_INITIALIZER;
static struct session sessions[SESSIONS_MAX + 1];
static struct timespec pause_for;
static bool initialised;

/* ---- the keys ---- */

static size_t
number_of(const EVP_PKEY *k, const char *name, uint8_t *dst, size_t room)
{
	BIGNUM *n = NULL;
	size_t len = 0;

	if (EVP_PKEY_get_bn_param(k, name, &n) == 1 && BN_num_bytes(n) <= (int)room)
		len = (size_t)BN_bn2bin(n, dst);
	BN_free(n);
	return len;
}

static bool
take_rsa(struct key *k)
{
	k->modulus_len =
	    number_of(k->pkey, OSSL_PKEY_PARAM_RSA_N, k->modulus, sizeof(k->modulus));
	k->exponent_len =
	    number_of(k->pkey, OSSL_PKEY_PARAM_RSA_E, k->exponent, sizeof(k->exponent));
	k->size = k->modulus_len;
	return k->modulus_len > 0 && k->exponent_len > 0;
}

/* CKA_EC_POINT is the point in an OCTET STRING. */
static bool
take_ec(struct key *k)
{
	size_t n = 0;

	if (EVP_PKEY_get_octet_string_param(k->pkey, OSSL_PKEY_PARAM_PUB_KEY,
		&k->point[2], sizeof(k->point) - 2, &n) != 1 ||
	    n != 65)
		return false;
	k->point[0] = 0x04;
	k->point[1] = (uint8_t)n;
	k->point_len = n + 2;
	k->size = 64;
	return true;
}

static bool
load_keys(const char *path)
{
	FILE *f = path != NULL ? fopen(path, "re") : NULL;
	EVP_PKEY *pkey;

	if (f == NULL)
		return false;
	while ((pkey = PEM_read_PrivateKey(f, NULL, NULL, NULL)) != NULL) {
		struct key *k = &keys[EVP_PKEY_is_a(pkey, "RSA") ? 0 : 1];

		if (k->pkey == NULL)
			k->pkey = pkey;
		else
			EVP_PKEY_free(pkey);
	}
	(void)fclose(f);
	return keys[0].pkey != NULL && keys[1].pkey != NULL && take_rsa(&keys[0]) &&
	       take_ec(&keys[1]);
}

/* ---- signatures, computed once ---- */

static size_t
bucket_of(const uint8_t *p, size_t n)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	while (n-- > 0)
		h = (h ^ *p++) * 16777619u;
	return h % BUCKETS;
}

static bool
recall(struct key *k, const uint8_t *data, size_t n, uint8_t *sig, size_t *ret_len)
{
	const struct stored *s;

	(void)pthread_rwlock_rdlock(&k->lock);
	s = k->buckets[bucket_of(data, n)];
	while (s != NULL && (s->data_len != n || memcmp(s->data, data, n) != 0))
		s = s->next;
	if (s != NULL) {
		memcpy(sig, s->sig, s->sig_len);
		*ret_len = s->sig_len;
	}
	(void)pthread_rwlock_unlock(&k->lock);
	return s != NULL;
}

/* A second copy, when two threads computed the same, is never found and does no harm. */
static void
remember(struct key *k, const uint8_t *data, size_t n, const uint8_t *sig, size_t sig_len)
{
	struct stored *s = calloc(1, sizeof(*s)),
		      **bucket = &k->buckets[bucket_of(data, n)];

	if (s == NULL)
		return;
	memcpy(s->data, data, n);
	s->data_len = n;
	memcpy(s->sig, sig, sig_len);
	s->sig_len = sig_len;
	(void)pthread_rwlock_wrlock(&k->lock);
	if (k->stored_n < STORED_MAX) {
		s->next = *bucket;
		*bucket = s;
		s = NULL;
		k->stored_n++;
	}
	(void)pthread_rwlock_unlock(&k->lock);
	free(s);
}

/* ECDSA as PKCS#11 gives it: r and s, 32 bytes each. */
static bool
split_der(uint8_t *sig, size_t *len)
{
	const uint8_t *p = sig;
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &p, (long)*len);
	bool done = s != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(s), sig, 32) == 32 &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(s), sig + 32, 32) == 32;

	ECDSA_SIG_free(s);
	*len = 64;
	return done;
}

static bool
compute(const struct key *k, const uint8_t *data, size_t n, uint8_t *sig, size_t *ret_len)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k->pkey, NULL);
	size_t len = SIGNATURE_MAX;
	/* Without a digest set, RSA pads the data as it is: it already is a DigestInfo.
	 */
	bool done = c != NULL && EVP_PKEY_sign_init(c) == 1 &&
		    EVP_PKEY_sign(c, sig, &len, data, n) == 1 &&
		    (k->type != CKK_EC || split_der(sig, &len));

	EVP_PKEY_CTX_free(c);
	*ret_len = len;
	return done;
}

/* ---- general functions ---- */

static CK_RV
initialize(void *args)
{
	const char *us = getenv("NULLTOK_US");
	unsigned long n = us != NULL ? strtoul(us, NULL, 10) : 0;

	if (initialised)
		return CKR_CRYPTOKI_ALREADY_INITIALIZED;
	pause_for = (struct timespec){
	    .tv_sec = (time_t)(n / 1000000), .tv_nsec = (long)(n % 1000000) * 1000};
	if (!load_keys(getenv("NULLTOK_KEYS")))
		return CKR_GENERAL_ERROR;
	initialised = true;
	return CKR_OK;
}

/* The keys stay: the process ends next. */
static CK_RV
finalize(void *reserved)
{
	initialised = false;
	return CKR_OK;
}

static void
blank_padded(CK_UTF8CHAR *dst, size_t room, const char *s)
{
	memset(dst, ' ', room);
	memcpy(dst, s, strlen(s));
}
#define BLANK_PADDED(array, s) blank_padded(array, sizeof(array), s)

static CK_RV
get_info(CK_INFO *i)
{
	*i = (CK_INFO){.cryptokiVersion = {2, 40}};
	BLANK_PADDED(i->manufacturerID, "kdsign");
	BLANK_PADDED(i->libraryDescription, "null token");
	return CKR_OK;
}

static CK_RV
get_slot_list(CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *n)
{
	if (list != NULL && *n < 1)
		return CKR_BUFFER_TOO_SMALL;
	if (list != NULL)
		list[0] = SLOT;
	*n = 1;
	return CKR_OK;
}

static CK_RV
get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *i)
{
	*i = (CK_SLOT_INFO){.flags = CKF_TOKEN_PRESENT};
	BLANK_PADDED(i->slotDescription, "null slot");
	BLANK_PADDED(i->manufacturerID, "kdsign");
	return slot == SLOT ? CKR_OK : CKR_SLOT_ID_INVALID;
}

static CK_RV
get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *i)
{
	const char *serial = getenv("NULLTOK_SERIAL");

	*i = (CK_TOKEN_INFO){.flags = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED |
				      CKF_LOGIN_REQUIRED,
	    .ulMaxSessionCount = SESSIONS_MAX,
	    .ulMaxPinLen = 64};
	BLANK_PADDED(i->label, "null");
	BLANK_PADDED(i->manufacturerID, "kdsign");
	BLANK_PADDED(i->model, "null token");
	BLANK_PADDED(i->serialNumber, "0000000000000001");
	if (serial != NULL && serial[0] != '\0') /* one for each process that plays a token */
		i->serialNumber[sizeof(i->serialNumber) - 1] = (CK_UTF8CHAR)serial[0];
	return slot == SLOT ? CKR_OK : CKR_SLOT_ID_INVALID;
}

/* ---- sessions ---- */

static struct session *
session_of(CK_SESSION_HANDLE h)
{
	return h > 0 && h <= SESSIONS_MAX && sessions[h].open ? &sessions[h] : NULL;
}

static CK_RV
open_session(
    CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify, CK_SESSION_HANDLE *ret)
{
	CK_SESSION_HANDLE h = 1;

	(void)pthread_mutex_lock(&sessions_lock);
	while (h <= SESSIONS_MAX && sessions[h].open)
		h++;
	if (h <= SESSIONS_MAX)
		sessions[h] = (struct session){.open = true};
	(void)pthread_mutex_unlock(&sessions_lock);
	*ret = h;
	return h <= SESSIONS_MAX ? CKR_OK : CKR_SESSION_COUNT;
}

static CK_RV
close_session(CK_SESSION_HANDLE h)
{
	struct session *s = session_of(h);

	if (s == NULL)
		return CKR_SESSION_HANDLE_INVALID;
	(void)pthread_mutex_lock(&sessions_lock);
	s->open = false;
	(void)pthread_mutex_unlock(&sessions_lock);
	return CKR_OK;
}

static CK_RV
close_all_sessions(CK_SLOT_ID slot)
{
	for (CK_SESSION_HANDLE h = 1; h <= SESSIONS_MAX; h++)
		(void)close_session(h);
	return CKR_OK;
}

static CK_RV
get_session_info(CK_SESSION_HANDLE h, CK_SESSION_INFO *i)
{
	*i = (CK_SESSION_INFO){
	    .slotID = SLOT, .state = CKS_RO_USER_FUNCTIONS, .flags = CKF_SERIAL_SESSION};
	return session_of(h) != NULL ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

/* Any PIN will do: there is nothing to guard. */
static CK_RV
login(CK_SESSION_HANDLE h, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG n)
{
	return session_of(h) != NULL ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

static CK_RV
logout(CK_SESSION_HANDLE h)
{
	return session_of(h) != NULL ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

/* ---- objects: private keys only, number i has handle i + 1 and that byte as its id ----
 */

struct value {
	const void *p;
	size_t n;
};

static bool
value_of(CK_ULONG i, CK_ATTRIBUTE_TYPE type, struct value *ret)
{
	static const CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	static const uint8_t ids[KEYS] = {1, 2};
	const struct key *k = &keys[i];
	bool rsa = k->type == CKK_RSA;
	const struct {
		CK_ATTRIBUTE_TYPE type;
		struct value v;
	} rows[] = {
	    {CKA_CLASS, {&class, sizeof(class)}},
	    {CKA_KEY_TYPE, {&k->type, sizeof(k->type)}},
	    {CKA_LABEL, {k->label, strlen(k->label)}},
	    {CKA_ID, {&ids[i], 1}},
	    {CKA_TOKEN, {&yes, sizeof(yes)}},
	    {CKA_PRIVATE, {&yes, sizeof(yes)}},
	    {CKA_SIGN, {&yes, sizeof(yes)}},
	    {CKA_SENSITIVE, {&yes, sizeof(yes)}}, /* what the signer's gate asks for */
	    {CKA_ALWAYS_SENSITIVE, {&yes, sizeof(yes)}},
	    {CKA_EXTRACTABLE, {&no, sizeof(no)}},
	    {CKA_NEVER_EXTRACTABLE, {&yes, sizeof(yes)}},
	    {CKA_LOCAL, {&yes, sizeof(yes)}},
	    {CKA_ALWAYS_AUTHENTICATE, {&no, sizeof(no)}},
	    {rsa ? CKA_MODULUS : CKA_EC_PARAMS,
		{rsa ? k->modulus : p256, rsa ? k->modulus_len : sizeof(p256)}},
	    {rsa ? CKA_PUBLIC_EXPONENT : CKA_EC_POINT,
		{rsa ? k->exponent : k->point, rsa ? k->exponent_len : k->point_len}},
	};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		if (rows[r].type == type) {
			*ret = rows[r].v;
			return true;
		}
	}
	return false;
}

static CK_RV
get_attribute_value(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n)
{
	CK_RV rv = CKR_OK;

	if (o < 1 || o > KEYS)
		return CKR_OBJECT_HANDLE_INVALID;
	for (; n > 0; n--, a++) {
		struct value v;

		if (!value_of(o - 1, a->type, &v)) {
			a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
			rv = CKR_ATTRIBUTE_TYPE_INVALID;
			continue;
		}
		if (a->pValue != NULL && a->ulValueLen < v.n)
			return CKR_BUFFER_TOO_SMALL;
		if (a->pValue != NULL)
			memcpy(a->pValue, v.p, v.n);
		a->ulValueLen = v.n;
	}
	return rv;
}

static CK_RV
find_objects_init(CK_SESSION_HANDLE h, CK_ATTRIBUTE *want, CK_ULONG n)
{
	struct session *s = session_of(h);

	if (s == NULL)
		return CKR_SESSION_HANDLE_INVALID;
	s->found = 0;
	for (CK_ULONG i = 0; i < KEYS; i++) {
		s->matches[i] = true;
		for (CK_ULONG a = 0; a < n; a++) {
			struct value v;

			if (!value_of(i, want[a].type, &v) || v.n != want[a].ulValueLen ||
			    memcmp(v.p, want[a].pValue, v.n) != 0)
				s->matches[i] = false;
		}
	}
	return CKR_OK;
}

static CK_RV
find_objects(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE *ret, CK_ULONG max, CK_ULONG *ret_n)
{
	struct session *s = session_of(h);

	*ret_n = 0;
	if (s == NULL)
		return CKR_SESSION_HANDLE_INVALID;
	for (; s->found < KEYS && *ret_n < max; s->found++) {
		if (s->matches[s->found])
			ret[(*ret_n)++] = s->found + 1;
	}
	return CKR_OK;
}

static CK_RV
find_objects_final(CK_SESSION_HANDLE h)
{
	return session_of(h) != NULL ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

/* ---- signing ---- */

static CK_RV
sign_init(CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_OBJECT_HANDLE o)
{
	struct session *s = session_of(h);

	if (s == NULL)
		return CKR_SESSION_HANDLE_INVALID;
	if (o < 1 || o > KEYS)
		return CKR_KEY_HANDLE_INVALID;
	if (m->mechanism != (keys[o - 1].type == CKK_RSA ? CKM_RSA_PKCS : CKM_ECDSA))
		return CKR_MECHANISM_INVALID;
	s->key = &keys[o - 1];
	return CKR_OK;
}

static CK_RV
sign(CK_SESSION_HANDLE h, CK_BYTE *data, CK_ULONG n, CK_BYTE *sig, CK_ULONG *sig_len)
{
	struct session *s = session_of(h);
	uint8_t out[SIGNATURE_MAX];
	struct key *k;
	size_t len;

	if (s == NULL || s->key == NULL)
		return CKR_OPERATION_NOT_INITIALIZED;
	k = s->key;
	if (sig == NULL) {
		*sig_len = k->size;
		return CKR_OK;
	}
	if (n > DATA_MAX || *sig_len < k->size)
		return n > DATA_MAX ? CKR_DATA_LEN_RANGE : CKR_BUFFER_TOO_SMALL;
	s->key = NULL;
	if (!recall(k, data, n, out, &len)) {
		if (!compute(k, data, n, out, &len))
			return CKR_FUNCTION_FAILED;
		remember(k, data, n, out, len);
	}
	if (pause_for.tv_sec != 0 || pause_for.tv_nsec != 0)
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause_for, NULL);
	memcpy(sig, out, len);
	*sig_len = len;
	return CKR_OK;
}

static CK_FUNCTION_LIST list = {
    .version = {2, 40},
    .C_Initialize = initialize,
    .C_Finalize = finalize,
    .C_GetInfo = get_info,
    .C_GetFunctionList = C_GetFunctionList,
    .C_GetSlotList = get_slot_list,
    .C_GetSlotInfo = get_slot_info,
    .C_GetTokenInfo = get_token_info,
    .C_OpenSession = open_session,
    .C_CloseSession = close_session,
    .C_CloseAllSessions = close_all_sessions,
    .C_GetSessionInfo = get_session_info,
    .C_Login = login,
    .C_Logout = logout,
    .C_GetAttributeValue = get_attribute_value,
    .C_FindObjectsInit = find_objects_init,
    .C_FindObjects = find_objects,
    .C_FindObjectsFinal = find_objects_final,
    .C_SignInit = sign_init,
    .C_Sign = sign,
};

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
	*ret = &list;
	return CKR_OK;
}
