/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/token.c - the module, the one token in it that is ours, and its sessions. */
#include "pkcs11/token.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <libp11.h>
#include <openssl/err.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "pkcs11/rv.h"

#define MODULE_HINT "the module is a library of the token's vendor, made for programs like this"
#define NAMED_MAX 3 /* tokens in the sentence about one that is not there */

struct token {
	void *module;          /* dlopen */
	CK_FUNCTION_LIST *fns; /* the module's own table */
	PKCS11_CTX *ctx;       /* libp11 */
	bool loaded;           /* PKCS11_CTX_load succeeded */
	PKCS11_SLOT *slots;
	unsigned int slots_n;
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;
	struct token_info info;
};

void
token_close(struct token *t)
{
	if (t == NULL)
		return;
	if (t->slots != NULL)
		PKCS11_release_all_slots(t->ctx, t->slots, t->slots_n);
	if (t->loaded)
		PKCS11_CTX_unload(t->ctx); /* C_Finalize */
	if (t->ctx != NULL)
		PKCS11_CTX_free(t->ctx);
	if (t->module != NULL)
		(void)dlclose(t->module);
	free(t);
}

const struct token_info *
token_info(const struct token *t)
{
	return &t->info;
}

CK_FUNCTION_LIST *
token_fns(const struct token *t)
{
	return t->fns;
}

CK_SESSION_HANDLE
token_session(const struct token *t)
{
	return t->session;
}

/* A library that it lacks or a file that is none is a mistake; too little memory is not. */
static bool
fail_load(struct kd_err *e)
{
	const char *why = dlerror();
	bool memory = why != NULL && strstr(why, "Cannot allocate memory") != NULL;

	if (memory)
		return kd_fail(e, KD_E_NOMEM, "module cannot be loaded: %s", SHOW(why));
	(void)kd_fail(e, KD_E_CONFIG, "module cannot be loaded: %s", SHOW(why));
	return kd_hint(e, MODULE_HINT);
}

/*
 * The module, initialised by us: libp11 accepts CKR_CRYPTOKI_ALREADY_INITIALIZED, and
 * this way the locking flag is certain and the CK_RV is whole (libp11 keeps 23 bits of
 * it).
 */
static bool
load(struct token *t, const char *module, struct kd_err *e)
{
	CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
	CK_C_GetFunctionList get;
	void *sym;
	CK_RV rv;

	t->module = dlopen(module, RTLD_NOW | RTLD_LOCAL);
	if (t->module == NULL)
		return fail_load(e);
	sym = dlsym(t->module, "C_GetFunctionList");
	if (sym == NULL) {
		(void)kd_fail(e, KD_E_CONFIG,
		    "module is no PKCS#11 module: C_GetFunctionList is missing");
		return kd_hint(e, MODULE_HINT);
	}
	memcpy(&get, &sym, sizeof(get)); /* ISO C has no cast from object to function */
	rv = get(&t->fns);
	if (rv != CKR_OK)
		return rv_fail(e, rv, "C_GetFunctionList");
	rv = t->fns->C_Initialize(&args);
	if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
		return rv_fail(e, rv, "C_Initialize");
	return true;
}

static bool
fail_libp11(struct kd_err *e, const char *call)
{
	unsigned long err = ERR_peek_last_error();
	const char *why = ERR_reason_error_string(err);

	return kd_fail(e, KD_E_TOKEN, "%s: %s", call, why != NULL ? SHOW(why) : "failed");
}

static bool
enumerate(struct token *t, const char *module, struct kd_err *e)
{
	ERR_load_PKCS11_strings();
	t->ctx = PKCS11_CTX_new();
	if (t->ctx == NULL)
		return kd_fail_nomem(e, "libp11 context");
	if (PKCS11_CTX_load(t->ctx, module) != 0)
		return fail_libp11(e, "libp11 cannot load the module");
	t->loaded = true;
	if (PKCS11_enumerate_slots(t->ctx, &t->slots, &t->slots_n) != 0)
		return fail_libp11(e, "slots cannot be listed");
	return true;
}

static const char *
or_empty(const char *s)
{
	return s != NULL ? s : "";
}

static void
describe(const PKCS11_TOKEN *from, struct token_info *ret)
{
	struct token_info i = {.login_required = from->loginRequired != 0,
	    .pin_count_low = from->userPinCountLow != 0};
	const char *why = NULL;

	(void)snprintf(i.label, sizeof(i.label), "%s", or_empty(from->label));
	(void)snprintf(
	    i.manufacturer, sizeof(i.manufacturer), "%s", or_empty(from->manufacturer));
	(void)snprintf(i.serial, sizeof(i.serial), "%s", or_empty(from->serialnr));
	(void)snprintf(i.model, sizeof(i.model), "%s", or_empty(from->model));
	if (from->userPinLocked)
		why = "the PIN is locked (CKF_USER_PIN_LOCKED)";
	else if (from->userPinFinalTry)
		why = "one try of the PIN is left (CKF_USER_PIN_FINAL_TRY)";
	else if (from->userPinToBeChanged)
		why = "the PIN has to be changed (CKF_USER_PIN_TO_BE_CHANGED)";
	else if (from->loginRequired && !from->userPinSet)
		why = "no PIN was ever set (CKF_USER_PIN_INITIALIZED is off)";
	if (why != NULL)
		(void)snprintf(
		    i.refuse, sizeof(i.refuse), "token says: %s; no login is tried", why);
	*ret = i;
}

/* Which tokens there are instead, as far as one sentence can hold them. */
static bool
fail_not_found(const struct token *t, struct kd_err *e)
{
	char text[NAMED_MAX * 80] = "";
	unsigned int tokens = 0, blank = 0;
	size_t len = 0;

	for (unsigned int i = 0; i < t->slots_n; i++) {
		const PKCS11_TOKEN *tok = t->slots[i].token;
		struct token_info is;

		blank += tok != NULL && !tok->initialized;
		if (tok == NULL || !tok->initialized || tokens++ >= NAMED_MAX)
			continue;
		describe(tok, &is);
		(void)snprintf(&text[len], sizeof(text) - len, "%slabel '%s' serial '%s'",
		    len > 0 ? ", " : "", SHOW(is.label), SHOW(is.serial));
		len = strlen(text);
	}
	if (tokens == 0)
		return kd_fail(e, KD_E_TOKEN, "token not found: the module has no %stoken%s",
		    blank > 0 ? "initialised " : "", blank > 0 ? "" : " at all");
	if (tokens <= NAMED_MAX)
		return kd_fail(
		    e, KD_E_TOKEN, "token not found: the module has %s", text);
	return kd_fail(e, KD_E_TOKEN, "token not found: the module has %s and %u more", text,
	    tokens - NAMED_MAX);
}

static bool
select_token(struct token *t, const struct uri *want, struct kd_err *e)
{
	struct token_info found, seen = {0};
	unsigned int matches = 0;

	for (unsigned int i = 0; i < t->slots_n; i++) {
		const PKCS11_TOKEN *tok = t->slots[i].token;

		if (tok == NULL || !tok->initialized)
			continue;
		describe(tok, &found);
		if (!uri_matches_token(want, &(struct uri_token){.label = found.label,
						 .manufacturer = found.manufacturer,
						 .serial = found.serial,
						 .model = found.model}))
			continue;
		if (matches++ > 0)
			return kd_fail(e, KD_E_CONFIG,
			    "several tokens match: label '%s' serial '%s', label '%s' "
			    "serial '%s'",
			    SHOW(seen.label), SHOW(seen.serial), SHOW(found.label),
			    SHOW(found.serial));
		seen = found;
		t->slot = PKCS11_get_slotid_from_slot(&t->slots[i]);
	}
	if (matches == 0)
		return fail_not_found(t, e);
	t->info = seen;
	return true;
}

bool
token_open(const char *module, const struct uri *want, struct token **ret,
    enum token_state *ret_why, struct kd_err *e)
{
	AUTO(token_close) struct token *t = kd_alloc(sizeof(*t));

	*ret_why = TOKEN_FAILED;
	if (t == NULL)
		return kd_fail_nomem(e, "token");
	if (!load(t, module, e) || !enumerate(t, module, e))
		return kd_in(e, "'%s'", SHOW(module));
	if (!select_token(t, want, e)) {
		*ret_why = e->code == KD_E_TOKEN ? TOKEN_ABSENT : TOKEN_FAILED;
		return false;
	}
	*ret = STEAL(t);
	return true;
}

bool
token_each(const char *module, struct token_info *ret, size_t max, size_t *ret_n,
    struct kd_err *e)
{
	AUTO(token_close) struct token *t = kd_alloc(sizeof(*t));
	size_t n = 0;

	if (t == NULL)
		return kd_fail_nomem(e, "token");
	if (!load(t, module, e) || !enumerate(t, module, e))
		return kd_in(e, "'%s'", SHOW(module));
	for (unsigned int i = 0; i < t->slots_n && n < max; i++) {
		const PKCS11_TOKEN *tok = t->slots[i].token;

		if (tok != NULL && tok->initialized)
			describe(tok, &ret[n++]);
	}
	*ret_n = n;
	return true;
}

CK_SLOT_ID
token_slot(const struct token *t)
{
	return t->slot;
}

bool
token_session_write(struct token *t, CK_SESSION_HANDLE *ret, struct kd_err *e)
{
	CK_RV rv = t->fns->C_OpenSession(
	    t->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, ret);

	return rv == CKR_OK || rv_fail(e, rv, "C_OpenSession (read-write)");
}

bool
token_session_new(
    struct token *t, CK_SESSION_HANDLE *ret, CK_RV *ret_rv, struct kd_err *e)
{
	*ret_rv = t->fns->C_OpenSession(t->slot, CKF_SERIAL_SESSION, NULL, NULL, ret);
	/* Whatever it answers: no PIN was tried. */
	return *ret_rv == CKR_OK || kd_fail(e, KD_E_TOKEN, "C_OpenSession: %s (0x%lx)",
					rv_info(*ret_rv)->name, *ret_rv);
}

bool
token_begin(struct token *t, struct kd_err *e)
{
	CK_RV rv;

	return t->session != CK_INVALID_HANDLE || token_session_new(t, &t->session, &rv, e);
}

bool
token_login(struct token *t, const struct secret *pin, struct kd_err *e)
{
	CK_RV rv;

	if (!token_begin(t, e))
		return false;
	if (pin == NULL)
		return true;
	/* The parameter lacks a const in PKCS#11's prototype; modules read it only. */
	rv = t->fns->C_Login(t->session, CKU_USER,
	    (CK_UTF8CHAR *)(uintptr_t)secret_bytes(pin), secret_len(pin));
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return true;
	return kd_fail(e, KD_E_PIN, "C_Login: %s (0x%lx)", rv_info(rv)->name, rv);
}

bool
token_probe(const struct token *t, struct kd_err *e)
{
	CK_TOKEN_INFO info;
	CK_SESSION_INFO session;
	size_t n = sizeof(info.serialNumber);
	CK_RV rv = t->fns->C_GetTokenInfo(t->slot, &info);

	if (rv != CKR_OK)
		return rv_fail(e, rv, "C_GetTokenInfo");
	while (n > 0 && info.serialNumber[n - 1] == ' ')
		n--;
	if (n != strnlen(t->info.serial, n + 1) ||
	    memcmp(info.serialNumber, t->info.serial, n) != 0)
		return kd_fail(e, KD_E_TOKEN, "another token is in the slot");
	rv = t->fns->C_GetSessionInfo(t->session, &session);
	return rv == CKR_OK || rv_fail(e, rv, "C_GetSessionInfo");
}
