/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/guard.c - what breaker, quarantine and custody gate cost: their own functions, as
 * the signer calls them, and the gate's questions to a token.
 *
 * Per signature there is the look at the token's and the key's state, and breaker_signed.
 * Per process that is started there are the breaker's three calls, key_told for each key,
 * and some of the C_GetAttributeValue that look for a key.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/secret.h"
#include "bench/loads.h"
#include "pkcs11/key.h"
#include "pkcs11/parent_in.h"
#include "pkcs11/token.h"
#include "pkcs11/uri.h"

#define ROUNDS 15
#define TIMES 2000000 /* calls in a round */
#define KEY_ATTRS                                                                        \
	(KEY_ATTR_SENSITIVE | KEY_ATTR_ALWAYS_SENSITIVE | KEY_ATTR_NEVER_EXTRACTABLE |   \
	    KEY_ATTR_LOCAL)

/* Nothing that p leads to may be left out, or kept in a register. */
static inline void
touch(void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
median(double *v)
{
	qsort(v, ROUNDS, sizeof(*v), compare);
	return v[ROUNDS / 2];
}

/* Nanoseconds for one call, less those of the loop. */
static double
time_of(struct parent *p, void (*run)(struct parent *p, unsigned times))
{
	double v[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t began = clock_ns();

		run(p, TIMES);
		v[i] = (double)(clock_ns() - began) / TIMES;
	}
	return median(v);
}

static void
run_nothing(struct parent *p, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		touch(p);
}

static void
run_signature(struct parent *p, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		touch(p);
		if (p->state.token != TOKEN_READY || !p->state.keys[0].ready)
			abort();
		breaker_signed(&p->breaker);
		touch(p);
	}
}

static void
run_start(struct parent *p, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		touch(p);
		p->start_ms = breaker_start_at(&p->breaker, p->now_ms);
		breaker_started(&p->breaker, p->now_ms);
		breaker_ready(&p->breaker);
		p->now_ms += 1000;
		touch(p);
	}
}

static void
run_key(struct parent *p, unsigned times)
{
	static struct child_key m;

	m.key = p->state.keys[0];
	for (unsigned i = 0; i < times; i++) {
		touch(&m);
		key_told(p, &m);
		touch(p);
	}
}

/* In the parent, with one key as the token made it. */
static void
measure_calls(struct kd_err *e)
{
	static struct signer_key_conf key_conf;
	struct signer_conf conf = {.breaker_faults = 3,
	    .breaker_window_ms = 30000,
	    .breaker_wait_ms = 500,
	    .breaker_wait_max_ms = 1500,
	    .starts_per_minute = 120,
	    .keys = {.v = &key_conf, .n = 1}};
	static struct signer_key key = {.name = "rsa",
	    .ready = true,
	    .mechanism = SIGN_RSA_PKCS1,
	    .bits = 3072,
	    .attrs = KEY_ATTRS};
	static struct parent p;
	double nothing;

	p.conf = &conf;
	p.now_ms = 1;
	p.state = (struct signer_state){.token = TOKEN_READY, .keys = &key, .keys_n = 1};
	if (!trouble_init(&p, e))
		return;
	nothing = time_of(&p, run_nothing);
	(void)printf("signature_ns=%.2f start_ns=%.2f key_ns=%.2f",
	    time_of(&p, run_signature) - nothing, time_of(&p, run_start) - nothing,
	    time_of(&p, run_key) - nothing);
	trouble_clear(&p);
}

/* ---- what is asked of the token ---- */

static CK_C_GetAttributeValue real_get;
static uint64_t gate_ns, gate_calls, all_calls;

static bool
is_gates(CK_ATTRIBUTE_TYPE t)
{
	static const CK_ATTRIBUTE_TYPE types[] = {CKA_SENSITIVE, CKA_ALWAYS_SENSITIVE,
	    CKA_EXTRACTABLE, CKA_NEVER_EXTRACTABLE, CKA_LOCAL, CKA_DECRYPT, CKA_UNWRAP,
	    CKA_DERIVE, CKA_MODIFIABLE};

	for (size_t i = 0; i < KD_ARRAY_LEN(types); i++)
		if (types[i] == t)
			return true;
	return false;
}

static CK_RV
count_get(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n)
{
	uint64_t began = clock_ns();
	CK_RV rv = real_get(s, o, a, n);

	all_calls++;
	if (is_gates(a->type)) {
		gate_calls++;
		gate_ns += clock_ns() - began;
	}
	return rv;
}

struct start { /* of one process, from its module on; microseconds */
	double open, login, find, gate;
};

/* What a child does before it is ready, but for its sessions and what it tells. */
static bool
start_once(char **argv, struct start *ret, struct kd_err *e)
{
	AUTO(token_close) struct token *token = NULL;
	AUTO(secret_free) struct secret *pin = NULL;
	CK_FUNCTION_LIST *f;
	struct uri token_uri = {0}, key_uri = {0};
	enum token_state why;
	struct signer_key key = {0};
	CK_OBJECT_HANDLE handle;
	uint64_t t[4];
	bool found;

	(void)snprintf(token_uri.label, sizeof(token_uri.label), "%s", argv[1]);
	(void)snprintf(key_uri.object, sizeof(key_uri.object), "%s", argv[2]);
	if (!secret_read_file(argv[3], &pin, e))
		return false;
	t[0] = clock_ns();
	if (!token_open(argv[0], &token_uri, &token, &why, e) || !token_begin(token, e))
		return false;
	t[1] = clock_ns();
	if (!token_login(token, pin, e))
		return false;
	t[2] = clock_ns();
	f = token_fns(token);
	real_get = f->C_GetAttributeValue;
	gate_ns = gate_calls = all_calls = 0;
	f->C_GetAttributeValue = count_get;
	found = key_find(token, &key_uri, &handle, &key, e);
	f->C_GetAttributeValue = real_get;
	t[3] = clock_ns();
	*ret = (struct start){(double)(t[1] - t[0]) / 1e3, (double)(t[2] - t[1]) / 1e3,
	    (double)(t[3] - t[2]) / 1e3, (double)gate_ns / 1e3};
	return found;
}

static bool
measure_starts(char **argv, struct kd_err *e)
{
	double open[ROUNDS], login[ROUNDS], find[ROUNDS], gate[ROUNDS];
	struct start s;

	for (int i = 0; i < ROUNDS; i++) {
		if (!start_once(argv, &s, e))
			return false;
		open[i] = s.open;
		login[i] = s.login;
		find[i] = s.find;
		gate[i] = s.gate;
	}
	(void)printf(" open_us=%.1f login_us=%.1f find_us=%.1f gate_us=%.2f gate_calls=%llu "
		     "find_calls=%llu\n",
	    median(open), median(login), median(find), median(gate),
	    (unsigned long long)gate_calls, (unsigned long long)all_calls);
	return true;
}

bool
load_guard(struct meter *m, char **argv, struct kd_err *e)
{
	(void)m;
	measure_calls(e);
	return e->code == KD_OK && measure_starts(argv, e);
}
