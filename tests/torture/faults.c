/* SPDX-License-Identifier: Apache-2.0 */
/* tests/torture/faults.c - a keeper that makes the signer's module fail in every way there
 * is, and holds the answers against the table of what they should be. */
#include "config.h"

#include "tests/torture/faults.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/num.h"
#include "base/sock.h"
#include "tests/torture/expect.h"

#define GRACE_MS 500    /* beyond the deadline */
#define RECOVER_MS 2000 /* what is promised; $PATIENCE_MS, for machines that do other things */
#define GIVE_UP_MS 30000 /* what is waited for, so that one failure is not all of them */
#define PATH_LEN 512
#define EXIT_USAGE 64

void
die(const struct kd_err *e)
{
	log_err(LOG_L_ERROR, e);
	exit(2);
}

static void
need(bool good, const char *what)
{
	if (good)
		return;
	(void)fprintf(stderr, "faults: %s\n", what);
	exit(2);
}

/* ---- the signer ---- */

static void
take_frame(struct torture *t, const struct frame *f)
{
	struct kd_err e = {0};

	if (f->type == FRAME_STATE) {
		signer_state_clear(&t->state);
		if (!signer_state_decode(f->payload, &t->state, &e))
			die(&e);
	} else if (f->type == FRAME_SIGNATURE && f->id == t->id) {
		if (!sign_result_decode(f->payload, &t->result, &e))
			die(&e);
		t->answered = true;
	}
}

void
take_frames(struct torture *t, uint64_t until_ms)
{
	struct kd_err e = {0};
	struct frame f;
	bool have, eof = false;

	for (;;) {
		struct pollfd p = {.fd = t->fd, .events = POLLIN};

		do {
			if (!frame_in_next(&t->in, &have, &f, &e))
				die(&e);
			if (have)
				take_frame(t, &f);
		} while (have);
		if (t->answered || eof || !frame_out_flush(&t->out, t->fd, &e))
			return;
		if (poll(&p, 1, clock_left(until_ms)) == 0)
			return;
		if (!frame_in_fill(&t->in, t->fd, &eof, &e))
			die(&e);
		need(!eof, "the signer has ended");
	}
}

static bool
verifies(const struct torture *t, const struct sign_job *j)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(t->key, NULL);
	bool good = c != NULL && EVP_PKEY_verify_init(c) == 1 &&
		    EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1 &&
		    EVP_PKEY_verify(c, t->result.signature, t->result.signature_len,
			j->digest, md_len(MD_SHA256)) == 1;

	EVP_PKEY_CTX_free(c);
	return good;
}

/* One signature of a digest that is never asked for again. */
void
ask(struct torture *t)
{
	struct sign_job j = {
	    .mechanism = SIGN_RSA_PKCS1, .md = MD_SHA256, .deadline_ms = t->deadline_ms};
	uint64_t began = clock_ms();
	struct kd_err e = {0};
	size_t mark;

	(void)snprintf(j.key, sizeof(j.key), "%s", t->key_name);
	memcpy(j.digest, &t->run, sizeof(t->run));
	t->id++;
	memcpy(&j.digest[8], &t->id, sizeof(t->id));
	t->answered = false;
	mark = frame_out_begin(&t->out, FRAME_SIGN, t->id);
	sign_job_encode(&j, &t->out.buf);
	if (!frame_out_end(&t->out, mark, &e))
		die(&e);
	take_frames(t, began + GIVE_UP_MS);
	t->took_ms = clock_ms() - began;
	if (!t->answered)
		wrong(t, "no answer at all in %d s", GIVE_UP_MS / 1000);
	else if (t->result.code == KD_OK && !verifies(t, &j))
		wrong(t, "a signature that does not verify");
	if (t->took_ms > 2 * t->deadline_ms + GRACE_MS + t->patience_ms)
		wrong(t, "answered after %llu ms", (unsigned long long)t->took_ms);
	t->slowest_ms = t->took_ms > t->slowest_ms ? t->took_ms : t->slowest_ms;
}

/* ---- the mock ---- */

static void
put_file(const struct torture *t, const char *name, const char *text)
{
	char path[PATH_LEN], temp[PATH_LEN + 8];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", t->mock_dir, name);
	(void)snprintf(temp, sizeof(temp), "%s.new", path);
	if (text == NULL) {
		(void)unlink(path);
		return;
	}
	f = fopen(temp, "we");
	need(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0 && rename(temp, path) == 0,
	    "control file");
}

void
order(struct torture *t, const char *text)
{
	put_file(t, "control", text);
	put_file(t, "control.used", NULL);
}

void
token(struct torture *t, const char *text)
{
	put_file(t, "token", text);
}

bool
was_used(const struct torture *t)
{
	char path[PATH_LEN];

	(void)snprintf(path, sizeof(path), "%s/control.used", t->mock_dir);
	return access(path, F_OK) == 0;
}

uint64_t
calls(const struct torture *t, const char *function)
{
	char path[PATH_LEN], line[64];
	uint64_t n = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/calls", t->mock_dir);
	f = fopen(path, "re");
	need(f != NULL, "calls");
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		n += function == NULL || strcmp(line, function) == 0;
	}
	(void)fclose(f);
	return n;
}

/* An operator acts; the PIN was never wrong. */
static void
unlatch(const struct torture *t)
{
	char path[PATH_LEN];

	(void)snprintf(path, sizeof(path), "%s/latch", t->state_dir);
	(void)unlink(path);
}

/* ---- what is checked ---- */

void
wrong(struct torture *t, const char *fmt, ...)
{
	va_list ap;

	(void)printf("wrong: %s: ", t->what);
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)printf("\n");
	(void)fflush(stdout);
	t->wrongs++;
}

bool
kill_child(struct torture *t)
{
	uint64_t until = clock_ms() + GIVE_UP_MS;

	while (t->state.child_pid == 0 || t->state.token != TOKEN_READY) {
		t->answered = false;
		take_frames(t, clock_ms() + 10);
		if (clock_ms() > until)
			return false;
	}
	return kill((pid_t)t->state.child_pid, SIGKILL) == 0;
}

/* From now on nothing fails: how long until it signs again? */
void
recover(struct torture *t)
{
	uint64_t began = clock_ms(), took;

	order(t, NULL);
	do {
		if (t->state.token == TOKEN_LATCHED)
			unlatch(t);
		ask(t);
		if (t->result.code == KD_E_KEY && !t->key_killed) {
			t->key_killed = true; /* only a fresh child looks at it again */
			(void)kill_child(t);
		} else if (t->result.code != KD_OK) {
			(void)poll(NULL, 0, 5);
		}
		took = clock_ms() - began;
	} while (t->result.code != KD_OK && took < GIVE_UP_MS);
	t->key_killed = false;
	t->recover_ms = took > t->recover_ms ? took : t->recover_ms;
	if (took > RECOVER_MS + t->patience_ms)
		wrong(t, "signs again after %llu ms: %s", (unsigned long long)took,
		    t->result.detail);
}

static void
check_answer(struct torture *t, const struct expected *x)
{
	const struct sign_result *r = &t->result;

	if ((x->codes & CODE(r->code)) == 0)
		wrong(t, "answered %s (%s)", kd_code_info(r->code)->name, r->detail);
	else if (r->code != KD_OK && x->heard != HEARD_ANY && r->heard != (x->heard == HEARD))
		wrong(t, "%s, heard=%d", kd_code_info(r->code)->name, r->heard);
}

/* One fault: it is there, a signature is asked for, it goes, a signature is made. */
static void
inject(struct torture *t, const char *function, const char *action, const char *when,
    const struct expected *x)
{
	char text[128];
	bool at_start = !expect_in_signing(function);

	(void)snprintf(t->what, sizeof(t->what), "%s %s %s", function, action, when);
	(void)snprintf(text, sizeof(text), "%s\n", t->what);
	order(t, text);
	if (strcmp(function, "C_GetSessionInfo") == 0) {
		uint64_t until = clock_ms() + 1300; /* the child's look at its token */

		while (clock_ms() < until && !was_used(t)) {
			t->answered = false;
			take_frames(t, clock_ms() + 20);
		}
	} else if (at_start && !kill_child(t)) {
		wrong(t, "not ready before");
	}
	ask(t);
	check_answer(t, x);
	for (int i = 0; i < 3 && strncmp(when, "every", 5) == 0; i++) {
		ask(t);
		check_answer(t, x);
	}
	t->injections++;
	recover(t);
}

static bool
chosen(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = list; (at = strstr(at, name)) != NULL; at += n)
		if ((at == list || at[-1] == ',') && (at[n] == ',' || at[n] == '\0'))
			return true;
	return strcmp(list, "all") == 0;
}

/* table FUNCTIONS MODES all|few: return codes */
static void
cmd_table(struct torture *t, char **argv)
{
	static const char *const modes[] = {"once", "", "every 2"};
	static const char *const mode_names[] = {"once", "always", "every"};
	const struct expect_ckr *c;

	for (size_t f = 0; expect_functions[f] != NULL; f++) {
		if (!chosen(argv[0], expect_functions[f]))
			continue;
		for (size_t i = 0; (c = expect_ckr(i)) != NULL; i++) {
			char action[32];

			if (strcmp(argv[2], "few") == 0 && !c->few)
				continue;
			(void)snprintf(action, sizeof(action), "fail 0x%lx", c->rv);
			for (size_t m = 0; m < KD_ARRAY_LEN(modes); m++) {
				struct expected x = expect(
				    expect_functions[f], c, strcmp(modes[m], "") == 0);

				if (m == 2) { /* each second one is a good one */
					x.codes |= CODE(KD_OK) | CODE(KD_E_TOKEN);
					x.heard = HEARD_ANY;
				}
				if (chosen(argv[1], mode_names[m]))
					inject(t, expect_functions[f], action, modes[m],
					    &x);
			}
		}
	}
}

/* break FUNCTIONS ACTIONS: hang, crash, abort */
static void
cmd_break(struct torture *t, char **argv)
{
	static const char *const actions[] = {"hang", "crash", "abort"};

	for (size_t f = 0; expect_functions[f] != NULL; f++) {
		for (size_t a = 0; a < KD_ARRAY_LEN(actions); a++) {
			struct expected x = expect_break(expect_functions[f], a == 0);

			if (!chosen(argv[0], expect_functions[f]) ||
			    !chosen(argv[1], actions[a]))
				continue;
			inject(t, expect_functions[f], actions[a], "once", &x);
		}
	}
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
print_times(const char *what, uint64_t *ns, size_t n)
{
	qsort(ns, n, sizeof(*ns), compare);
	(void)printf("%s n=%zu median_ms=%.1f p90_ms=%.1f max_ms=%.1f\n", what, n,
	    (double)ns[n / 2] / 1e6, (double)ns[n * 9 / 10] / 1e6,
	    (double)ns[n - 1] / 1e6);
}

/* kill N: from SIGKILL of the child to the first signature */
static void
cmd_kill(struct torture *t, char **argv)
{
	size_t n = strtoul(argv[0], NULL, 10);
	uint64_t *ns = calloc(n + 1, sizeof(*ns));

	need(ns != NULL && n > 0, "kill N");
	(void)snprintf(t->what, sizeof(t->what), "SIGKILL");
	for (size_t i = 0; i < n; i++) {
		uint64_t began;

		need(kill_child(t), "no child");
		began = clock_ns();
		do
			ask(t);
		while (t->result.code != KD_OK && clock_ns() - began < 5000000000);
		ns[i] = clock_ns() - began;
		if (t->result.code != KD_OK)
			wrong(t, "no signature");
		t->injections++;
		(void)poll(NULL, 0, 50);
	}
	print_times("kill", ns, n);
	free(ns);
}

/* remove N: the token is pulled and comes back, also elsewhere, also after another one */
static void
cmd_remove(struct torture *t, char **argv)
{
	size_t n = strtoul(argv[0], NULL, 10);
	uint64_t *ns = calloc(n + 1, sizeof(*ns)), logins, began;
	char back[32];

	need(ns != NULL && n > 0, "remove N");
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(t->what, sizeof(t->what), "removal %zu", i);
		logins = calls(t, "C_Login");
		token(t, "gone\n");
		do
			ask(t);
		while (t->result.code == KD_OK || t->state.token != TOKEN_ABSENT);
		if (i % 5 == 0) {
			token(t, "serial 00000000DEADBEEF\n");
			t->answered = false;
			take_frames(t, clock_ms() + 1500);
			ask(t);
			if (t->result.code != KD_E_TOKEN || t->result.heard)
				wrong(t, "another token: %s", t->result.detail);
			token(t, "gone\n");
		}
		if (calls(t, "C_Login") != logins)
			wrong(t, "a login without our token");
		(void)snprintf(back, sizeof(back), "slot %zu\n", i % 3 == 0 ? i : 0);
		token(t, back);
		began = clock_ns();
		recover(t);
		ns[i] = clock_ns() - began;
		if (calls(t, "C_Login") != logins + 1)
			wrong(t, "%llu logins for one return",
			    (unsigned long long)(calls(t, "C_Login") - logins));
		t->injections++;
	}
	print_times("return", ns, n);
	free(ns);
}

/* open N: so many answers while the breaker is open */
static void
cmd_open(struct torture *t, char **argv)
{
	size_t n = strtoul(argv[0], NULL, 10);
	uint64_t *ns = calloc(n + 1, sizeof(*ns)), before;

	need(ns != NULL && n > 0, "open N");
	(void)snprintf(t->what, sizeof(t->what), "breaker open");
	order(t, "C_SignInit fail 0x6\n");
	for (int i = 0; i < 16 && t->state.breaker != BREAKER_OPEN; i++)
		ask(t);
	(void)poll(NULL, 0, 500); /* the child of before is gone */
	before = calls(t, NULL);
	for (size_t i = 0; i < n; i++) {
		uint64_t began = clock_ns();

		ask(t);
		ns[i] = clock_ns() - began;
		if (t->result.code != KD_E_TOKEN || t->result.heard)
			wrong(t, "answered %s", kd_code_info(t->result.code)->name);
	}
	if (calls(t, NULL) != before)
		wrong(t, "the module was called");
	t->injections += (unsigned)n;
	print_times("open", ns, n);
	order(t, NULL);
	free(ns);
}

static const struct command {
	const char *name;
	int args;
	void (*run)(struct torture *t, char **argv);
} commands[] = {
    {"table", 3, cmd_table},
    {"break", 2, cmd_break},
    {"kill", 1, cmd_kill},
    {"remove", 1, cmd_remove},
    {"open", 1, cmd_open},
    {"lost", 1, cmd_lost},
    {"sessions", 0, cmd_sessions},
};

static void
read_public_key(struct torture *t, const char *path)
{
	uint8_t der[2048];
	const uint8_t *p = der;
	FILE *f = fopen(path, "re");
	size_t n = f != NULL ? fread(der, 1, sizeof(der), f) : 0;

	t->key = n > 0 ? d2i_PUBKEY(NULL, &p, (long)n) : NULL;
	need(t->key != NULL, "public key");
	(void)fclose(f);
}

/* SOCKET MOCK-DIR STATE-DIR SPKI KEY SIGN-DEADLINE-MS COMMAND... */
int
main(int argc, char **argv)
{
	static struct torture t = {.in.max_payload = (size_t)1 << 20};
	struct kd_err e = {0};
	bool known = false;

	log_init("faults", LOG_L_INFO);
	if (argc < 8)
		return EXIT_USAGE;
	t.mock_dir = argv[2];
	t.state_dir = argv[3];
	read_public_key(&t, argv[4]);
	t.key_name = argv[5];
	t.deadline_ms = (uint32_t)strtoul(argv[6], NULL, 10);
	t.run = clock_ns();
	t.patience_ms = getenv("PATIENCE_MS") != NULL
			    ? strtoul(getenv("PATIENCE_MS"), NULL, 10)
			    : 0;
	if (!sock_connect_unix(argv[1], &t.fd, &e))
		die(&e);
	(void)snprintf(t.what, sizeof(t.what), "begin");
	recover(&t);
	t.recover_ms = t.slowest_ms = 0;
	for (size_t i = 0; i < KD_ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i].name, argv[7]) == 0 && argc == 8 + commands[i].args) {
			commands[i].run(&t, &argv[8]);
			known = true;
		}
	}
	(void)printf("injections=%u wrong=%u slowest_answer_ms=%llu slowest_recovery_ms=%llu\n",
	    t.injections, t.wrongs, (unsigned long long)t.slowest_ms,
	    (unsigned long long)t.recover_ms);
	(void)close(t.fd);
	frame_in_clear(&t.in);
	frame_out_clear(&t.out);
	signer_state_clear(&t.state);
	EVP_PKEY_free(t.key);
	if (!known)
		return EXIT_USAGE;
	return t.wrongs > 0;
}
