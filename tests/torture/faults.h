/* SPDX-License-Identifier: Apache-2.0 */
/* tests/torture/faults.h - what the commands of the torture share. */
#ifndef TORTURE_FAULTS_H
#define TORTURE_FAULTS_H
#include <stdarg.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "base/error.h"
#include "wire/frame.h"
#include "wire/signer_msg.h"

struct torture {
	int fd; /* of the signer's socket */
	struct frame_in in;
	struct frame_out out;
	const char *mock_dir, *state_dir, *key_name;
	EVP_PKEY *key;
	uint32_t deadline_ms;
	uint64_t patience_ms; /* added to what is promised */
	uint64_t run, id;
	struct signer_state state; /* the last one told */
	struct sign_result result; /* of id */
	bool answered, key_killed;
	uint64_t took_ms;
	/* the report */
	char what[64];
	unsigned injections, wrongs;
	uint64_t slowest_ms, recover_ms;
};

_Noreturn void die(const struct kd_err *e);
void take_frames(struct torture *t, uint64_t until_ms); /* until an answer, or that time */
void ask(struct torture *t);
void order(struct torture *t, const char *text); /* NULL: none */
void token(struct torture *t, const char *text);
bool was_used(const struct torture *t);
uint64_t calls(const struct torture *t, const char *function); /* NULL: of all */
void wrong(struct torture *t, const char *fmt, ...) KD_PRINTF(2, 3);
bool kill_child(struct torture *t);
void recover(struct torture *t);

/* faults_sessions.c */
void cmd_lost(struct torture *t, char **argv);
void cmd_sessions(struct torture *t, char **argv);
#endif
