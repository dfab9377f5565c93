/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/demo_token.c - a token to rehearse with: initialised, a random PIN, keys born on
 * it. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <p11-kit/pkcs11.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/num.h"
#include "base/own.h"
#include "base/text.h"
#include "pkcs11/rv.h"

/*
 * The usual tools take the PIN as an argument or ask a terminal for it, so a script can
 * only use them by showing the PIN to every process of the machine. This one draws it,
 * gives it to the token and to one file of mode 0600, and forgets it. It is built for
 * demo and tests, and not installed.
 */
#define PIN_DIGITS 16 /* as text; 64 bits */
#define SLOTS_MAX 64

struct work {
	CK_FUNCTION_LIST *fn;
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;
	char so_pin[PIN_DIGITS + 1], pin[PIN_DIGITS + 1];
};

static bool
done(CK_RV rv, const char *call, struct kd_err *e)
{
	return rv == CKR_OK || rv_fail(e, rv, call);
}

static bool
random_pin(char pin[PIN_DIGITS + 1], struct kd_err *e)
{
	unsigned char bytes[PIN_DIGITS / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return kd_fail(e, KD_E_CRYPTO, "getrandom gave too few bytes");
	text_hex_to(pin, bytes, sizeof(bytes));
	explicit_bzero(bytes, sizeof(bytes));
	return true;
}

/* The file comes first: a token whose PIN is nowhere is of no use, a PIN of no token is.
 */
static bool
write_pin(const char *path, const char *pin, struct kd_err *e)
{
	AUTO(close)
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return kd_fail_errno(
		    e, KD_E_FILE, errno, "'%s': cannot create", SHOW(path));
	return file_write_full(fd, pin, strlen(pin), e) &&
	       file_write_full(fd, "\n", 1, e);
}

static bool
find_free_slot(struct work *w, struct kd_err *e)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;
	CK_TOKEN_INFO info;

	if (!done(w->fn->C_GetSlotList(CK_TRUE, slots, &n), "C_GetSlotList", e))
		return false;
	for (CK_ULONG i = 0; i < n; i++) {
		if (w->fn->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
		    (info.flags & CKF_TOKEN_INITIALIZED) == 0) {
			w->slot = slots[i];
			return true;
		}
	}
	return kd_fail(e, KD_E_TOKEN, "%lu slots, none with an uninitialised token", n);
}

static bool
set_pins(struct work *w, const char *label, struct kd_err *e)
{
	CK_UTF8CHAR padded[32];
	CK_UTF8CHAR *so = (CK_UTF8CHAR *)w->so_pin, *pin = (CK_UTF8CHAR *)w->pin;

	memset(padded, ' ', sizeof(padded));
	memcpy(padded, label, strnlen(label, sizeof(padded)));
	return done(w->fn->C_InitToken(w->slot, so, PIN_DIGITS, padded), "C_InitToken",
		   e) &&
	       done(w->fn->C_OpenSession(w->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
			NULL, NULL, &w->session),
		   "C_OpenSession", e) &&
	       done(w->fn->C_Login(w->session, CKU_SO, so, PIN_DIGITS),
		   "C_Login (security officer)", e) &&
	       done(w->fn->C_InitPIN(w->session, pin, PIN_DIGITS), "C_InitPIN", e) &&
	       done(w->fn->C_Logout(w->session), "C_Logout", e) &&
	       done(w->fn->C_Login(w->session, CKU_USER, pin, PIN_DIGITS),
		   "C_Login (user)", e);
}

/* DER of the named curves, for CKA_EC_PARAMS (RFC 5480 2.1.1.1). */
static const CK_BYTE p256_oid[] = {6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7};
static const CK_BYTE p384_oid[] = {6, 5, 0x2b, 0x81, 4, 0, 0x22};

static const struct key_type {
	const char *name;
	CK_MECHANISM_TYPE mechanism;
	CK_ULONG bits;
	const CK_BYTE *curve;
	CK_ULONG curve_len;
} key_types[] = {
    {"rsa2048", CKM_RSA_PKCS_KEY_PAIR_GEN, 2048, NULL, 0},
    {"rsa3072", CKM_RSA_PKCS_KEY_PAIR_GEN, 3072, NULL, 0},
    {"rsa4096", CKM_RSA_PKCS_KEY_PAIR_GEN, 4096, NULL, 0},
    {"p256", CKM_EC_KEY_PAIR_GEN, 0, p256_oid, sizeof(p256_oid)},
    {"p384", CKM_EC_KEY_PAIR_GEN, 0, p384_oid, sizeof(p384_oid)},
};

/* Sensitive, never extractable, for signing alone: what a custody gate asks for, by
 * birth. */
static bool
generate(
    struct work *w, const struct key_type *t, char *label, CK_BYTE id, struct kd_err *e)
{
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_BYTE exponent[] = {1, 0, 1};
	CK_ULONG bits = t->bits, label_len = strlen(label);
	CK_MECHANISM mechanism = {t->mechanism, NULL, 0};
	CK_OBJECT_HANDLE public_key, private_key;
	CK_ATTRIBUTE private_attrs[] = {
	    {CKA_TOKEN, &yes, sizeof(yes)},
	    {CKA_PRIVATE, &yes, sizeof(yes)},
	    {CKA_SENSITIVE, &yes, sizeof(yes)},
	    {CKA_EXTRACTABLE, &no, sizeof(no)},
	    {CKA_SIGN, &yes, sizeof(yes)},
	    {CKA_DECRYPT, &no, sizeof(no)},
	    {CKA_UNWRAP, &no, sizeof(no)},
	    {CKA_MODIFIABLE, &no, sizeof(no)},
	    {CKA_ID, &id, sizeof(id)},
	    {CKA_LABEL, label, label_len},
	};
	CK_ATTRIBUTE public_attrs[] = {
	    {CKA_TOKEN, &yes, sizeof(yes)},
	    {CKA_PRIVATE, &no, sizeof(no)},
	    {CKA_VERIFY, &yes, sizeof(yes)},
	    {CKA_ID, &id, sizeof(id)},
	    {CKA_LABEL, label, label_len},
	    {CKA_MODULUS_BITS, &bits, sizeof(bits)},
	    {CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)},
	};
	CK_ULONG public_n = 7;

	if (t->curve != NULL) {
		public_attrs[5] =
		    (CK_ATTRIBUTE){CKA_EC_PARAMS, (CK_VOID_PTR)t->curve, t->curve_len};
		public_n = 6;
	}
	return done(
	    w->fn->C_GenerateKeyPair(w->session, &mechanism, public_attrs, public_n,
		private_attrs, KD_ARRAY_LEN(private_attrs), &public_key, &private_key),
	    "C_GenerateKeyPair", e);
}

/* "LABEL:TYPE" */
static bool
generate_named(struct work *w, char *what, CK_BYTE id, struct kd_err *e)
{
	char *colon = strchr(what, ':');

	if (colon == NULL)
		return kd_fail(
		    e, KD_E_USAGE, "'%s': not of the form LABEL:TYPE", SHOW(what));
	for (size_t i = 0; i < KD_ARRAY_LEN(key_types); i++) {
		if (strcmp(colon + 1, key_types[i].name) == 0) {
			*colon = '\0';
			return generate(w, &key_types[i], what, id, e);
		}
	}
	return kd_fail(e, KD_E_USAGE,
	    "'%s': type is none of rsa2048 rsa3072 rsa4096 p256 p384", SHOW(what));
}

static bool
load(struct work *w, const char *path, struct kd_err *e)
{
	CK_C_GetFunctionList get;
	void *module =
	    dlopen(path, RTLD_NOW | RTLD_LOCAL); /* kept until the process ends */

	if (module == NULL)
		return kd_fail(e, KD_E_CONFIG, "'%s': %s", SHOW(path), dlerror());
	*(void **)&get = dlsym(module, "C_GetFunctionList");
	if (get == NULL)
		return kd_fail(e, KD_E_CONFIG, "'%s': not a PKCS#11 module", SHOW(path));
	return done(get(&w->fn), "C_GetFunctionList", e) &&
	       done(w->fn->C_Initialize(NULL), "C_Initialize", e);
}

static bool
make(char **argv, int argc, struct kd_err *e)
{
	struct work w = {0};
	bool ok;

	ok = load(&w, argv[1], e) && find_free_slot(&w, e) && random_pin(w.so_pin, e) &&
	     random_pin(w.pin, e) && write_pin(argv[3], w.pin, e) &&
	     set_pins(&w, argv[2], e);
	explicit_bzero(w.so_pin, sizeof(w.so_pin));
	explicit_bzero(w.pin, sizeof(w.pin));
	for (int i = 4; ok && i < argc; i++)
		ok = generate_named(&w, argv[i], (CK_BYTE)(i - 3), e);
	if (w.fn != NULL)
		(void)w.fn->C_Finalize(NULL);
	return ok;
}

int
main(int argc, char **argv)
{
	struct kd_err e = {0};

	log_init("demo-token", LOG_L_INFO);
	if (argc < 5 || argc > 36) {
		fputs("usage: demo-token MODULE TOKEN-LABEL PIN-FILE LABEL:TYPE...\n",
		    stderr);
		return kd_code_info(KD_E_USAGE)->exit_daemon;
	}
	if (!make(argv, argc, &e)) {
		log_err(LOG_L_ERROR, &e);
		return kd_code_info(e.code)->exit_daemon;
	}
	return 0;
}
