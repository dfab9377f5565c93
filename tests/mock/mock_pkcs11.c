/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/mock/mock_pkcs11.c - a PKCS#11 module that forwards to a real one and misbehaves
 *on request.
 *
 *	MOCK_MODULE   path of the real module
 *	MOCK_DIR      folder with the file "control" and, written by us, "calls", "signed"
 *
 * "calls" gets one line for every call of a function below, "signed" what C_Sign is to
 * sign, in hex, before it does. "control" holds one line
 *
 *	FUNCTION ACTION [NUMBER] [once]
 *
 *	hang          never returns
 *	delay MS      returns that much later
 *	fail CKR      returns that value and does nothing
 *	crash         SIGSEGV
 *	short         C_Sign: one byte less than there are
 *	flags CKF     C_GetTokenInfo: these flags are set, too
 *
 * With "once", the first call takes it (the file is renamed to control.used by exactly
 *one thread). With MOCK_NULL in the environment C_SignInit and C_Sign do nothing at all,
 *as fast as can be.
 */
#include "config.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#define PATH_LEN 512
#define SIGNED_MAX 128         /* a DigestInfo or digest is shorter */
#define NULL_SIGNATURE_LEN 384 /* RSA-3072 */

static CK_FUNCTION_LIST *real; /* of MOCK_MODULE */
static CK_FUNCTION_LIST mock;
static const char *dir;

enum action { PASS, HANG, DELAY, FAIL, CRASH, SHORT, FLAGS };

struct order {
	enum action action;
	unsigned long number;
};

static void
path_of(char dst[PATH_LEN], const char *name)
{
	(void)snprintf(dst, PATH_LEN, "%s/%s", dir, name);
}

static void
append(const char *name, const char *line)
{
	char path[PATH_LEN];
	size_t n = strlen(line);
	int fd;

	path_of(path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, line, n) != (ssize_t)n)
		abort(); /* a count that is not kept proves nothing */
	(void)close(fd);
}

static void
count(const char *function)
{
	char line[64];

	(void)snprintf(line, sizeof(line), "%s\n", function);
	append("calls", line);
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
	append("signed", line);
}

static struct order
parse(const char *function, char *line)
{
	static const char *const names[] = {
	    "pass", "hang", "delay", "fail", "crash", "short", "flags"};
	struct order o = {PASS, 0};
	char *rest = NULL, *word = strtok_r(line, " \n", &rest);
	bool once = false;

	if (word == NULL || strcmp(word, function) != 0)
		return o;
	word = strtok_r(NULL, " \n", &rest);
	for (int i = 0; word != NULL && i <= FLAGS; i++) {
		if (strcmp(word, names[i]) == 0)
			o.action = (enum action)i;
	}
	while ((word = strtok_r(NULL, " \n", &rest)) != NULL) {
		if (strcmp(word, "once") == 0)
			once = true;
		else
			o.number = strtoul(word, NULL, 0);
	}
	if (once) {
		char from[PATH_LEN], to[PATH_LEN];

		path_of(from, "control");
		path_of(to, "control.used");
		if (rename(from, to) != 0)
			o.action = PASS; /* another thread was first */
	}
	return o;
}

/* What to do in this call; what needs no return value is done in here. */
static struct order
order_for(const char *function)
{
	char path[PATH_LEN], line[128] = "";
	struct order o;
	FILE *f;

	count(function);
	path_of(path, "control");
	f = fopen(path, "re");
	if (f == NULL)
		return (struct order){PASS, 0};
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	(void)fclose(f);
	o = parse(function, line);
	if (o.action == CRASH)
		(void)raise(SIGSEGV);
	while (o.action == HANG)
		(void)poll(NULL, 0, -1);
	if (o.action == DELAY)
		(void)poll(NULL, 0, (int)o.number);
	return o;
}

static CK_RV
mock_initialize(void *args)
{
	struct order o = order_for("C_Initialize");

	return o.action == FAIL ? o.number : real->C_Initialize(args);
}

static CK_RV
mock_get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	struct order o = order_for("C_GetTokenInfo");
	CK_RV rv = o.action == FAIL ? o.number : real->C_GetTokenInfo(slot, info);

	if (rv == CKR_OK && o.action == FLAGS)
		info->flags |= o.number;
	return rv;
}

static CK_RV
mock_open_session(
    CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify, CK_SESSION_HANDLE *ret)
{
	struct order o = order_for("C_OpenSession");

	return o.action == FAIL ? o.number
				: real->C_OpenSession(slot, flags, app, notify, ret);
}

static CK_RV
mock_login(CK_SESSION_HANDLE s, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG n)
{
	struct order o = order_for("C_Login");

	return o.action == FAIL ? o.number : real->C_Login(s, user, pin, n);
}

static CK_RV
mock_sign_init(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
	struct order o = order_for("C_SignInit");

	return o.action == FAIL ? o.number : real->C_SignInit(s, m, key);
}

static CK_RV
mock_sign(CK_SESSION_HANDLE s, CK_BYTE *data, CK_ULONG n, CK_BYTE *sig, CK_ULONG *sig_len)
{
	struct order o = order_for("C_Sign");
	CK_RV rv;

	if (o.action == FAIL)
		return o.number;
	keep_signed(data, n);
	rv = real->C_Sign(s, data, n, sig, sig_len);
	if (rv == CKR_OK && o.action == SHORT)
		--*sig_len;
	return rv;
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
	const char *path = getenv("MOCK_MODULE");
	void *so, *sym;
	CK_C_GetFunctionList get;

	dir = getenv("MOCK_DIR");
	if (path == NULL || dir == NULL)
		return CKR_ARGUMENTS_BAD;
	so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	sym = so != NULL ? dlsym(so, "C_GetFunctionList") : NULL;
	if (sym == NULL)
		return CKR_LIBRARY_LOAD_FAILED;
	memcpy(&get, &sym, sizeof(get));
	return get(&real);
}

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
	CK_RV rv = real != NULL ? CKR_OK : open_real();
	bool null_token = getenv("MOCK_NULL") != NULL;

	if (rv != CKR_OK)
		return rv;
	mock = *real;
	mock.C_GetFunctionList = C_GetFunctionList;
	mock.C_Initialize = mock_initialize;
	mock.C_GetTokenInfo = mock_get_token_info;
	mock.C_OpenSession = mock_open_session;
	mock.C_Login = mock_login;
	mock.C_SignInit = null_token ? null_sign_init : mock_sign_init;
	mock.C_Sign = null_token ? null_sign : mock_sign;
	*ret = &mock;
	return CKR_OK;
}
