/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/child.c - the process that holds the vendor's module: logs in once, then signs.
 */
#include "config.h"

#include "pkcs11/child.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/harden.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/service.h"
#include "pkcs11/attr.h"
#include "pkcs11/cert_pin.h"
#include "pkcs11/child_msg.h"
#include "pkcs11/key.h"
#include "pkcs11/prestart.h"
#include "pkcs11/rv.h"
#include "pkcs11/share.h"
#include "pkcs11/sign.h"
#include "pkcs11/token.h"
#include "pkcs11/uri.h"

#define PROBE_INTERVAL_MS 1000
#define SETUP_MAX ((size_t)4 << 20)

struct child { /* written before the threads start, then only read, but for jobs */
	struct child_setup setup;
	struct share *share;
	struct token *token;
	struct sign_key *keys; /* setup.keys of them; read once usable says so */
	struct key_look {
		_Atomic bool usable;
		bool again; /* main: it could not be read for a reason that is not its own */
		bool looked;
	} * looks;
	_Atomic uint64_t jobs; /* received so far */
	_Atomic uint32_t busy; /* threads inside the module */
	bool one_session;      /* the token gives no more: all share it, by turns: */
	pthread_mutex_t turn;
	long ready_kib; /* main: of memory, when it was ready; 0: has said that it grew */
};

struct worker {
	struct child *child;
	CK_SESSION_HANDLE session;
};

/* A message to the parent. Without a parent there is nothing to live for. */
static void
tell(const void *msg, size_t n)
{
	ssize_t sent;

	do
		sent = send(CHILD_FD_SOCK, msg, n, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent != (ssize_t)n)
		_exit(1);
}

/* Says why and ends: no destructors run, because the module may be what is broken. */
static _Noreturn void
give_up(enum token_state state, const struct kd_err *e)
{
	struct child_fault f = {.type = CHILD_FAULT,
	    .state = (uint32_t)state,
	    .misconfigured = e->code == KD_E_CONFIG};

	child_text(f.detail, sizeof(f.detail), e->msg);
	tell(&f, sizeof(f));
	_exit(1);
}

static void
fill_result(struct child_result *r, const struct sign_out *out, const struct kd_err *e)
{
	const struct rv_info *i = rv_info(out->rv);

	r->heard = strcmp(out->call, "C_Sign") == 0;
	r->code = (uint32_t)e->code;
	if (r->heard && out->rv != CKR_OK)
		r->code = (uint32_t)rv_sign_code(out->rv);
	r->ckr = out->rv;
	r->token_us = out->token_us;
	r->replace = i->replace;
	r->retry = i->retry && !r->heard;
	r->key_unusable = i->key_unusable;
	if (e->code == KD_OK) {
		r->len = (uint32_t)out->len;
		memcpy(r->body, out->signature, out->len);
		return;
	}
	child_text((char *)r->body, SIGNER_DETAIL_MAX + 1, e->msg);
	r->len = (uint32_t)strlen((const char *)r->body);
}

struct begun {
	struct share *share;
	const struct child_job *job;
};

static bool
may_sign(void *self)
{
	const struct begun *b = self;

	return share_sign(b->share, b->job->cell, b->job->serial);
}

static void
take_turn(struct child *c)
{
	if (c->one_session)
		(void)pthread_mutex_lock(&c->turn);
}

static void
end_turn(struct child *c)
{
	if (c->one_session)
		(void)pthread_mutex_unlock(&c->turn);
}

static void
sign_job(struct worker *w, const struct child_job *j)
{
	struct child *c = w->child;
	struct begun begun = {c->share, j};
	const struct sign_leave leave = {may_sign, &begun};
	struct child_result r;
	struct sign_out out;
	struct kd_err e = {0};
	bool done;

	/* A job too late or taken back: the parent has answered or will, without asking
	 * us. */
	if (clock_ms() >= j->deadline_ms ||
	    !share_begin(c->share, j->cell, j->serial, clock_ms()))
		return;
	atomic_fetch_add(&c->busy, 1);
	take_turn(c);
	done = sign_digest_if(token_fns(c->token), w->session, &c->keys[j->key],
	    (enum md)j->md, j->digest, &leave, &out, &e);
	end_turn(c);
	atomic_fetch_sub(&c->busy, 1);
	if (!done && e.code == KD_OK)
		return; /* taken back after C_SignInit: we are about to be killed */
	r.type = CHILD_RESULT;
	r.cell = j->cell;
	r.serial = j->serial;
	r.key = j->key;
	fill_result(&r, &out, &e);
	tell(&r, CHILD_RESULT_HEAD + r.len);
}

static bool
job_is_sound(const struct child *c, const struct child_job *j, ssize_t n)
{
	return n == (ssize_t)sizeof(*j) && j->type == CHILD_JOB &&
	       j->cell < SHARE_CELLS_MAX && j->key < c->setup.keys &&
	       atomic_load(&c->looks[j->key].usable) &&
	       j->mechanism == (uint8_t)c->keys[j->key].mechanism;
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct child_job j;

	for (;;) {
		ssize_t n = recv(CHILD_FD_SOCK, &j, sizeof(j), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(0); /* the parent has gone */
		if (!job_is_sound(w->child, &j, n))
			_exit(1);
		atomic_fetch_add(&w->child->jobs, 1);
		sign_job(w, &j);
	}
}

static bool
read_setup(struct child *c, struct kd_err *e)
{
	AUTO(buf_clear) struct buf text = {.max = SETUP_MAX};
	struct stat st;
	uint8_t *p;

	if (fstat(CHILD_FD_SETUP, &st) != 0 || st.st_size <= 0)
		return kd_fail(
		    e, KD_E_BUG, "no setup: --child is for kdsign-signer itself only");
	p = buf_reserve(&text, (size_t)st.st_size);
	if (p == NULL)
		return kd_fail_nomem(e, "setup");
	if (!file_pread_full(CHILD_FD_SETUP, p, text.len, 0, e) ||
	    !child_setup_read(text.p, text.len, &c->setup, e))
		return false;
	c->keys = kd_alloc_array(c->setup.keys, sizeof(*c->keys));
	c->looks = kd_alloc_array(c->setup.keys, sizeof(*c->looks));
	if (c->keys == NULL || c->looks == NULL)
		return kd_fail_nomem(e, "keys");
	return share_map(CHILD_FD_SHARE, &c->share, e);
}

/* Before the filter that forbids to start programs, and before anything is loaded. */
static bool
put_in_order(struct child *c, struct kd_err *e)
{
	if (!read_setup(c, e))
		return false;
	for (size_t i = 0; i < c->setup.pre_start_n; i++)
		if (!prestart_run(c->setup.pre_start[i], e))
			return false;
	return true;
}

/* Keys that anybody sees to be others than their certificates', before a login is spent. */
static void
compare_certificates(const struct child *c, struct child_found *f)
{
	for (size_t i = 0; i < c->setup.keys && f->other == 0; i++) {
		const char *want = c->setup.pins[i];
		struct kd_err e = {0};
		struct uri u;

		if (want[0] == '\0' || !uri_parse(c->setup.uris[i], URI_KEY, &u, &e))
			continue;
		cert_pin_shown(c->token, &u, want, f->other_pin);
		if (f->other_pin[0] != '\0' && strcmp(f->other_pin, want) != 0)
			f->other = (uint32_t)i + 1;
	}
}

static bool
find_token(struct child *c, enum token_state *ret_why, struct kd_err *e)
{
	struct child_found f = {.type = CHILD_FOUND};
	const struct token_info *i;
	struct uri want;

	*ret_why = TOKEN_FAILED;
	if (!uri_parse(c->setup.token, URI_TOKEN, &want, e) ||
	    !token_open(c->setup.module, &want, &c->token, ret_why, e) ||
	    !token_begin(c->token, e))
		return false;
	i = token_info(c->token);
	child_text(f.label, sizeof(f.label), i->label);
	child_text(f.serial, sizeof(f.serial), i->serial);
	child_text(f.model, sizeof(f.model), i->model);
	f.login = i->login_required;
	f.pin_count_low = i->pin_count_low;
	child_text(f.refuse, sizeof(f.refuse), i->refuse);
	compare_certificates(c, &f);
	tell(&f, sizeof(f));
	if (f.refuse[0] != '\0')
		_exit(0);
	return true;
}

/* One C_Login, with a PIN that exists here only in between. */
static bool
log_in(struct child *c, struct kd_err *e)
{
	struct child_login l = {.type = CHILD_LOGIN};
	AUTO(secret_free) struct secret *pin = NULL;
	struct kd_err why = {0};

	if (token_info(c->token)->login_required &&
	    !secret_take(CHILD_FD_PIN, &pin, e)) {
		/* The parent did not want it, or it could not be had: nothing was tried. */
		l.code = KD_E_TOKEN;
		child_text(l.detail, sizeof(l.detail), e->msg);
		tell(&l, sizeof(l));
		return false;
	}
	(void)close(CHILD_FD_PIN);
	if (!token_login(c->token, pin, &why)) {
		l.code = (uint32_t)why.code;
		child_text(l.detail, sizeof(l.detail), why.msg);
	}
	secret_free(STEAL(pin));
	tell(&l, sizeof(l));
	if (why.code != KD_OK)
		_exit(1);
	return true;
}

/* A token that fails at the search is not worth more tries; one that does not tell a
 * key's attributes may tell them a little later, and a key that is not there may be made.
 * A token that never does is taken as it is, what it does not tell counting as the worse. */
static void
find_key(struct child *c, size_t i)
{
	struct child_key m = {.type = CHILD_KEY, .index = (uint32_t)i};
	struct sign_key *k = &c->keys[i];
	struct kd_err e = {0}, fault = {0};
	struct uri u;
	bool found = uri_parse(c->setup.uris[i], URI_KEY, &u, &e) &&
		     key_find(c->token, &u, &k->handle, &m.key, &e);

	if (!found && e.code == KD_E_TOKEN)
		give_up(TOKEN_FAILED, &e);
	c->looks[i].again = attr_fault(&fault) || !found;
	found = found && (!c->looks[i].again || c->looks[i].looked);
	c->looks[i].looked = true;
	if (found) {
		k->mechanism = m.key.mechanism;
		k->bytes = (size_t)m.key.bits / 8;
		atomic_store(&c->looks[i].usable, true);
	} else {
		m.key.ready = false;
		child_text(m.key.detail, sizeof(m.key.detail),
		    fault.code != KD_OK ? fault.msg : e.msg);
	}
	tell(&m, sizeof(m));
}

static void
find_keys(struct child *c)
{
	for (size_t i = 0; i < c->setup.keys; i++)
		find_key(c, i);
}

/* Those that were not found, or a fault was in the way, unless threads use what was. */
static void
find_keys_again(struct child *c)
{
	for (size_t i = 0; i < c->setup.keys; i++) {
		if (c->looks[i].again && !atomic_load(&c->looks[i].usable))
			find_key(c, i);
	}
}

/* For the nth thread. *ret_full: the token gives no more, and the first one shares the
 * session that stands. */
static bool
session_for(struct child *c, uint32_t n, CK_SESSION_HANDLE *ret, bool *ret_full,
    struct kd_err *e)
{
	CK_RV rv;

	if (token_session_new(c->token, ret, &rv, e))
		return true;
	if (rv != CKR_SESSION_COUNT)
		return false;
	*e = (struct kd_err){0}; /* fewer will do */
	*ret_full = true;
	if (n == 0) {
		c->one_session = true;
		*ret = token_session(c->token);
	}
	return true;
}

/* As many sessions and threads as configured, or as the token gives. */
static bool
start_workers(struct child *c, uint32_t *ret_n, struct kd_err *e)
{
	bool full = false;
	uint32_t n = 0;

	while (n < c->setup.sessions && !full) {
		struct worker *w = kd_alloc(sizeof(*w));
		pthread_t thread;

		if (w == NULL)
			return kd_fail_nomem(e, "session");
		w->child = c;
		if (!session_for(c, n, &w->session, &full, e)) {
			free(w);
			return false;
		}
		if (full && n > 0) {
			free(w);
			break;
		}
		if (pthread_create(&thread, NULL, work, w) != 0)
			return kd_fail(e, KD_E_NOMEM, "thread %u cannot be made", n);
		(void)pthread_detach(thread);
		n++;
	}
	*ret_n = n;
	return true;
}

/* The most that this process has had in memory, in KiB. */
static long
memory_kib(void)
{
	struct rusage u = {0};

	return getrusage(RUSAGE_SELF, &u) == 0 ? u.ru_maxrss : 0;
}

/* A module that leaks costs a fresh one between signatures, before it costs the machine's
 * memory and, by the kernel's choice, a signature. */
static void
watch_memory(struct child *c)
{
	struct child_fault f = {
	    .type = CHILD_FAULT, .state = TOKEN_FAILED, .grown = 1};
	long grown = memory_kib() - c->ready_kib;

	if (c->ready_kib == 0 || grown <= (long)c->setup.growth_kib)
		return;
	c->ready_kib = 0;
	(void)snprintf(f.detail, sizeof(f.detail),
	    "the module has taken %ld MiB of memory since it was ready, module-growth is "
	    "%u MiB",
	    grown / 1024, c->setup.growth_kib / 1024);
	tell(&f, sizeof(f));
}

/* Look at the token while nobody signs, so that its loss is known before it is needed. */
static void
look(struct child *c)
{
	struct kd_err e = {0};

	if (c->one_session && pthread_mutex_trylock(&c->turn) != 0)
		return; /* somebody began to sign just now */
	share_offer(c->share, SHARE_PROBE, 1);
	(void)share_begin(c->share, SHARE_PROBE, 1, clock_ms());
	if (!token_probe(c->token, &e))
		give_up(TOKEN_ABSENT, &e);
	find_keys_again(c);
	share_end(c->share, SHARE_PROBE);
	end_turn(c);
}

static _Noreturn void
probe(struct child *c)
{
	uint64_t seen = 0;

	for (;;) {
		uint64_t jobs;

		(void)poll(NULL, 0, PROBE_INTERVAL_MS);
		watch_memory(c);
		jobs = atomic_load(&c->jobs);
		if (jobs == seen && atomic_load(&c->busy) == 0)
			look(c);
		seen = jobs;
	}
}

int
child_main(void)
{
	/* Outlives this function's frame while threads run. */
	static struct child c = {.turn = PTHREAD_MUTEX_INITIALIZER};
	struct child_ready ready = {.type = CHILD_READY};
	enum token_state why = TOKEN_FAILED;
	struct kd_err e = {0};

	log_init("kdsign-signer", LOG_L_INFO);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!harden_close_fds(CHILD_FD_END, &e) || !put_in_order(&c, &e) ||
	    !harden_process(HARDEN_SIGNER_CHILD, &e) || !find_token(&c, &why, &e))
		give_up(why, &e);
	if (!log_in(&c, &e))
		give_up(TOKEN_FAILED, &e);
	find_keys(&c);
	if (!start_workers(&c, &ready.sessions, &e))
		give_up(TOKEN_FAILED, &e);
	c.ready_kib = memory_kib();
	tell(&ready, sizeof(ready));
	probe(&c);
}
