/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/demo_token.c - a token to rehearse with: initialised, with a random PIN. Its keys are
 * kdsign-token's to make. */
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
	       done(w->fn->C_Logout(w->session), "C_Logout", e);
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
make(char **argv, struct kd_err *e)
{
	struct work w = {0};
	bool ok;

	ok = load(&w, argv[1], e) && find_free_slot(&w, e) && random_pin(w.so_pin, e) &&
	     random_pin(w.pin, e) && write_pin(argv[3], w.pin, e) &&
	     set_pins(&w, argv[2], e);
	explicit_bzero(w.so_pin, sizeof(w.so_pin));
	explicit_bzero(w.pin, sizeof(w.pin));
	if (w.fn != NULL)
		(void)w.fn->C_Finalize(NULL);
	return ok;
}

int
main(int argc, char **argv)
{
	struct kd_err e = {0};

	log_init("demo-token", LOG_L_INFO);
	if (argc != 4) {
		fputs("usage: demo-token MODULE TOKEN-LABEL PIN-FILE\n", stderr);
		return kd_code_info(KD_E_USAGE)->exit_daemon;
	}
	if (!make(argv, &e)) {
		log_err(LOG_L_ERROR, &e);
		return kd_code_info(e.code)->exit_daemon;
	}
	return 0;
}
