/* SPDX-License-Identifier: Apache-2.0 */
/* tests/mock/mock_watch.c - what callers of a module have to keep to, and the journal. */
#include "config.h"

#include "mock.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SESSIONS 1024
#define PIN_MAX 256
#define DATA_MAX 512
#define ID_MAX 64
#define MASK 0xa5 /* so that our own copy of the PIN is none for who scans memory */

struct session {
	CK_SESSION_HANDLE handle; /* 0: free */
	unsigned inside;          /* threads that are in a call with it */
	pid_t signer;             /* the one thread that signs with it */
	bool signing;             /* between C_SignInit and C_Sign */
	CK_OBJECT_HANDLE key;
	char id[2 * ID_MAX + 1];
};

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static struct session sessions[SESSIONS];
static bool initialized, finalized;
static const CK_BYTE *pin_at; /* NULL: no login since the last look */
static size_t pin_len;
static CK_BYTE pin_masked[PIN_MAX];
static bool in_login;

void
mock_wrong(const char *fmt, ...)
{
	char what[256], line[300];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	(void)snprintf(line, sizeof(line), "%d %s\n", (int)getpid(), what);
	mock_append("violations", line);
}

static struct session *
session_of(CK_SESSION_HANDLE s)
{
	struct session *unused = NULL;

	for (size_t i = 0; i < SESSIONS; i++) {
		if (sessions[i].handle == s)
			return &sessions[i];
		if (unused == NULL && sessions[i].handle == 0)
			unused = &sessions[i];
	}
	if (unused != NULL)
		*unused = (struct session){.handle = s};
	return unused;
}

void
mock_note_pin(const CK_BYTE *pin, CK_ULONG n)
{
	if (pin == NULL || n == 0 || n > PIN_MAX)
		return;
	(void)pthread_mutex_lock(&mu);
	for (size_t i = 0; i < n; i++)
		pin_masked[i] = pin[i] ^ MASK;
	pin_at = pin;
	pin_len = n;
	in_login = true;
	(void)pthread_mutex_unlock(&mu);
}

/* The caller's buffer may be unmapped by now: write(2) says so, reading it would not. */
static void
check_pin(enum mock_fn f)
{
	CK_BYTE now[PIN_MAX];
	bool same = false;
	int p[2];

	if (pipe2(p, O_CLOEXEC | O_NONBLOCK) != 0)
		return;
	if (write(p[1], pin_at, pin_len) == (ssize_t)pin_len &&
	    read(p[0], now, pin_len) == (ssize_t)pin_len) {
		same = true;
		for (size_t i = 0; i < pin_len; i++)
			same = same && (now[i] ^ MASK) == pin_masked[i];
		memset(now, 0, sizeof(now));
	}
	(void)close(p[0]);
	(void)close(p[1]);
	if (same)
		mock_wrong("the PIN is still where C_Login got it, at %s", mock_names[f]);
	pin_at = NULL;
}

static void
check_order(enum mock_fn f)
{
	if (f == FN_GetFunctionList || f == FN_Initialize)
		return;
	if (finalized)
		mock_wrong("%s after C_Finalize", mock_names[f]);
	else if (!initialized)
		mock_wrong("%s before C_Initialize", mock_names[f]);
}

static void
check_session(enum mock_fn f, struct session *s)
{
	pid_t thread = gettid();

	if (++s->inside > 1)
		mock_wrong("%s: session %lu is in use by another thread", mock_names[f],
		    s->handle);
	if (f == FN_SignInit) {
		if (s->signer != 0 && s->signer != thread)
			mock_wrong("session %lu signs for two threads", s->handle);
		if (s->signing)
			mock_wrong("C_SignInit: session %lu has an operation", s->handle);
		s->signer = thread;
	}
	if (f == FN_Sign && !s->signing)
		mock_wrong("C_Sign without C_SignInit in session %lu", s->handle);
}

void
mock_enter(enum mock_fn f, CK_SESSION_HANDLE s)
{
	(void)pthread_mutex_lock(&mu);
	check_order(f);
	if (pin_at != NULL && !in_login)
		check_pin(f);
	if (s != 0) {
		struct session *x = session_of(s);

		if (x != NULL)
			check_session(f, x);
	}
	(void)pthread_mutex_unlock(&mu);
}

static void
forget_all(void)
{
	for (size_t i = 0; i < SESSIONS; i++) {
		if (sessions[i].inside == 0)
			sessions[i] = (struct session){0};
	}
}

static void
leave_session(enum mock_fn f, struct session *x, CK_RV rv)
{
	if (x == NULL)
		return;
	x->inside -= x->inside > 0;
	if (f == FN_SignInit)
		x->signing = rv == CKR_OK;
	else if (f == FN_Sign && rv != CKR_BUFFER_TOO_SMALL)
		x->signing = false;
	else if (f == FN_CloseSession && rv == CKR_OK)
		*x = (struct session){0};
}

void
mock_leave(enum mock_fn f, CK_SESSION_HANDLE s, CK_RV rv)
{
	(void)pthread_mutex_lock(&mu);
	if (f == FN_Initialize &&
	    (rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED)) {
		initialized = true;
		finalized = false;
	} else if (f == FN_Finalize && rv == CKR_OK) {
		finalized = true;
		forget_all();
	} else if (f == FN_CloseAllSessions && rv == CKR_OK) {
		forget_all();
	} else if (f == FN_Login) {
		in_login = false;
	}
	if (s != 0)
		leave_session(f, session_of(s), rv);
	(void)pthread_mutex_unlock(&mu);
}

void
mock_journal_key(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const char *id)
{
	struct session *x;

	(void)pthread_mutex_lock(&mu);
	x = session_of(s);
	if (x != NULL) {
		x->key = key;
		(void)snprintf(x->id, sizeof(x->id), "%s", id);
	}
	(void)pthread_mutex_unlock(&mu);
}

void
mock_key_of(CK_SESSION_HANDLE s, char *dst, size_t n)
{
	struct session *x = NULL;

	(void)pthread_mutex_lock(&mu);
	if (s != 0)
		x = session_of(s);
	(void)snprintf(dst, n, "%s", x != NULL ? x->id : "");
	(void)pthread_mutex_unlock(&mu);
}

static uint64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void
mock_journal_sign(CK_SESSION_HANDLE s, const CK_BYTE *data, CK_ULONG n)
{
	char hex[2 * DATA_MAX + 1] = "-", line[sizeof(hex) + 2 * ID_MAX + 128];
	struct session *x;

	for (CK_ULONG i = 0; data != NULL && i < n && i < DATA_MAX; i++)
		(void)snprintf(&hex[2 * i], 3, "%02x", data[i]);
	(void)pthread_mutex_lock(&mu);
	x = session_of(s);
	(void)snprintf(line, sizeof(line), "sign %llu %d %lu %lu %s %s\n",
	    (unsigned long long)now_ns(), (int)getpid(), s, x != NULL ? x->key : 0,
	    x != NULL && x->id[0] != '\0' ? x->id : "-", hex);
	(void)pthread_mutex_unlock(&mu);
	mock_append("journal", line);
}

void
mock_journal_gave(CK_SESSION_HANDLE s, CK_RV rv, CK_ULONG n)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "gave %llu %d %lu 0x%lx %lu\n",
	    (unsigned long long)now_ns(), (int)getpid(), s, rv, rv == CKR_OK ? n : 0);
	mock_append("journal", line);
}
