/* SPDX-License-Identifier: Apache-2.0 */
/* bench/raw.c - C_SignInit and C_Sign through the module, with nothing of ours around
 * them. */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/md.h"
#include "base/num.h"
#include "base/secret.h"
#include "bench/loads.h"
#include "pkcs11/key.h"
#include "pkcs11/rv.h"
#include "pkcs11/token.h"
#include "pkcs11/uri.h"

#define THREADS_MAX 64
#define DIGEST_LEN 32

/* RFC 8017 section 9.2 note 1 */
static const uint8_t sha256_info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86,
    0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};

struct thread {
	pthread_t id;
	CK_FUNCTION_LIST *fns;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
	CK_MECHANISM mechanism;
	const atomic_bool *stop;
	_Atomic uint64_t n;
	CK_RV rv;
};

static CK_RV
sign_item(struct thread *t, unsigned item)
{
	uint8_t data[sizeof(sha256_info) + DIGEST_LEN], sig[SIGNER_SIGNATURE_MAX];
	size_t head = t->mechanism.mechanism == CKM_RSA_PKCS ? sizeof(sha256_info) : 0;
	CK_ULONG len = sizeof(sig);
	CK_RV rv;

	memcpy(data, sha256_info, head);
	load_digest(item, &data[head]);
	rv = t->fns->C_SignInit(t->session, &t->mechanism, t->key);
	if (rv != CKR_OK)
		return rv;
	return t->fns->C_Sign(t->session, data, head + DIGEST_LEN, sig, &len);
}

static void *
sign_on(void *arg)
{
	struct thread *t = arg;

	for (unsigned i = 0; !atomic_load(t->stop) && t->rv == CKR_OK; i++) {
		t->rv = sign_item(t, i % LOAD_ITEMS);
		atomic_fetch_add(&t->n, 1);
	}
	return NULL;
}

static uint64_t
sum(struct thread *t, size_t n)
{
	uint64_t s = 0;

	while (n-- > 0)
		s += atomic_load(&t[n].n);
	return s;
}

static bool
measure(struct meter *m, struct thread *t, size_t n, struct kd_err *e)
{
	atomic_bool stop = false;
	size_t started = 0;
	uint64_t before;

	/* The null token computes each signature once. */
	for (unsigned i = 0; i < LOAD_ITEMS && t[0].rv == CKR_OK; i++)
		t[0].rv = sign_item(&t[0], i);
	for (; started < n; started++) {
		t[started].stop = &stop;
		if (pthread_create(&t[started].id, NULL, sign_on, &t[started]) != 0)
			break;
	}
	(void)poll(NULL, 0, (int)m->warm_ms);
	meter_begin(m);
	before = sum(t, n);
	(void)poll(NULL, 0, (int)m->run_ms);
	meter_end(m, sum(t, n) - before);
	atomic_store(&stop, true);
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(t[i].id, NULL);
	if (started < n)
		return kd_fail(e, KD_E_NOMEM, "thread %zu cannot be made", started);
	for (size_t i = 0; i < n; i++) {
		if (t[i].rv != CKR_OK)
			return rv_fail(e, t[i].rv, "C_Sign");
	}
	return true;
}

static bool
open_token(const char *module, const char *label, const char *pin_file,
    struct token **ret, struct kd_err *e)
{
	AUTO(secret_free) struct secret *pin = NULL;
	struct uri want = {0};
	enum token_state why;

	(void)snprintf(want.label, sizeof(want.label), "%s", label);
	return secret_read_file(pin_file, &pin, e) &&
	       token_open(module, &want, ret, &why, e) && token_login(*ret, pin, e);
}

bool
load_raw(struct meter *m, char **argv, struct kd_err *e)
{
	AUTO(token_close) struct token *token = NULL;
	struct thread threads[THREADS_MAX] = {0};
	struct signer_key key = {0};
	struct uri want = {0};
	CK_OBJECT_HANDLE handle;
	uint64_t n;

	(void)snprintf(want.object, sizeof(want.object), "%s", argv[2]);
	if (!kd_parse_u64(argv[4], 1, THREADS_MAX, &n, e) ||
	    !open_token(argv[0], argv[1], argv[3], &token, e) ||
	    !key_find(token, &want, &handle, &key, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		CK_RV rv;

		threads[i].fns = token_fns(token);
		threads[i].key = handle;
		threads[i].mechanism.mechanism =
		    key.mechanism == SIGN_RSA_PKCS1 ? CKM_RSA_PKCS : CKM_ECDSA;
		if (!token_session_new(token, &threads[i].session, &rv, e))
			return false;
	}
	return measure(m, threads, n, e);
}
