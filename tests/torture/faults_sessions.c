/* SPDX-License-Identifier: Apache-2.0 */
/* tests/torture/faults_sessions.c - sessions that are lost, and tokens that give few. */
#include "config.h"

#include "tests/torture/faults.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/num.h"
#include "tests/torture/expect.h"

#define AGAIN_MS 1000 /* from a session that was lost to the next signature */
#define SESSIONS_MAX 16
#define SIGNATURES 24 /* for each number of sessions: no thread may be left out of them */

/* What makes a session useless without any fault of the token's. */
static const struct lost {
	const char *order;
	bool heard; /* then C_Sign was called, and the answer is not known */
} lost[] = {
    {"C_SignInit purge once\n", false},
    {"C_Sign purge once\n", true},
    {"C_SignInit fail 0xb3 once\n", false}, /* SESSION_HANDLE_INVALID */
    {"C_Sign fail 0xb3 once\n", true},
    {"C_SignInit fail 0x82 once\n", false}, /* OBJECT_HANDLE_INVALID */
    {"C_Sign fail 0x82 once\n", true},
    {"C_SignInit fail 0x101 once\n", false}, /* USER_NOT_LOGGED_IN */
    {"C_Sign fail 0x101 once\n", true},
    {"C_SignInit fail 0x90 once\n", false}, /* OPERATION_ACTIVE */
    {"C_Sign fail 0x90 once\n", true},
};

/* lost N: the next request succeeds within a second */
void
cmd_lost(struct torture *t, char **argv)
{
	size_t n = strtoul(argv[0], NULL, 10);

	for (size_t i = 0; i < n; i++) {
		const struct lost *l = &lost[i % KD_ARRAY_LEN(lost)];
		uint64_t began, took;

		(void)snprintf(t->what, sizeof(t->what), "%.40s", l->order);
		order(t, l->order);
		ask(t);
		began = clock_ms();
		if (!was_used(t))
			wrong(t, "nothing was lost");
		if (l->heard ? t->result.code != KD_E_UNKNOWN_OUTCOME || !t->result.heard
			     : t->result.code != KD_OK && t->result.code != KD_E_TOKEN)
			wrong(t, "answered %s", kd_code_info(t->result.code)->name);
		order(t, NULL);
		do {
			ask(t);
			took = clock_ms() - began;
			if (t->result.code != KD_OK)
				(void)poll(NULL, 0, 5);
		} while (t->result.code != KD_OK && took < AGAIN_MS + t->patience_ms);
		if (t->result.code != KD_OK)
			wrong(t, "no signature within a second: %s", t->result.detail);
		t->recover_ms = took > t->recover_ms ? took : t->recover_ms;
		t->injections++;
	}
}

/* The look at an idle token takes long, and signatures come meanwhile: by turns, says the
 * mock's list of violations. */
static void
sign_while_looked_at(struct torture *t)
{
	order(t, "C_GetSessionInfo delay 300\n");
	for (unsigned i = 0; i < 8; i++) {
		uint64_t until = clock_ms() + 1050 + i * 60;

		while (clock_ms() < until) {
			t->answered = false;
			take_frames(t, until);
		}
		ask(t);
		if (t->result.code != KD_OK)
			wrong(t, "while the token is looked at: %s", t->result.detail);
	}
	order(t, NULL);
}

/* sessions: a token that gives 1 to 16 of them, the login's counted */
void
cmd_sessions(struct torture *t, char **argv)
{
	(void)argv;
	for (unsigned n = 1; n <= SESSIONS_MAX; n++) {
		char words[32];

		(void)snprintf(t->what, sizeof(t->what), "%u sessions", n);
		(void)snprintf(words, sizeof(words), "sessions %u\n", n);
		token(t, words);
		if (!kill_child(t))
			wrong(t, "not ready before");
		recover(t);
		for (int i = 0; i < SIGNATURES; i++) {
			ask(t);
			if (t->result.code != KD_OK)
				wrong(t, "%s", t->result.detail);
		}
		if (n == 1)
			sign_while_looked_at(t);
		if (t->state.sessions != (n > 1 ? n - 1 : 1) ||
		    t->state.token != TOKEN_READY)
			wrong(t, "%u in use", t->state.sessions);
		ask(t);
		if (t->result.code != KD_OK)
			wrong(t, "at last: %s", t->result.detail);
		t->injections++;
	}
	token(t, NULL);
}
