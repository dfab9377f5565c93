/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/child_msg.h - messages between the signer's parent and its child. */
#ifndef KD_PKCS11_CHILD_MSG_H
#define KD_PKCS11_CHILD_MSG_H
#include <stddef.h>
#include <stdint.h>

#include "base/builder.h"
#include "base/error.h"
#include "base/md.h"
#include "pkcs11/cert_pin.h"
#include "pkcs11/share.h"
#include "wire/signer_msg.h"

/*
 * Both ends are one executable file, so a message is a struct, one packet of a
 * SOCK_SEQPACKET pair. All threads of the child receive from the same socket: the kernel
 * hands each job to one of them. The child holds a vendor's module, so the parent checks
 * what it reads (child_msg_check).
 *
 * parent → child   JOB
 * child → parent   FOUND, LOGIN, KEY…, READY, then RESULT for each job; FAULT when it
 * gives up
 */
enum child_msg_type {
	CHILD_JOB = 1,
	CHILD_FOUND, /* the token; the parent answers with the PIN, as secret_pass does */
	CHILD_LOGIN, /* what became of the login */
	CHILD_KEY,   /* one per configured key, in the order of the configuration */
	CHILD_READY,
	CHILD_RESULT,
	CHILD_FAULT
};

/* Descriptors in the child; everything else is closed. */
enum { CHILD_FD_SOCK = 3, CHILD_FD_SHARE, CHILD_FD_SETUP, CHILD_FD_PIN, CHILD_FD_END };

struct child_job {
	uint32_t type, cell, serial;
	uint16_t key; /* index in the configuration */
	uint8_t mechanism, md;
	uint64_t deadline_ms; /* CLOCK_MONOTONIC: not begun by then, not begun at all */
	uint8_t digest[MD_LEN_MAX];
};

struct child_found {
	uint32_t type;
	char label[33], serial[17], model[17];
	uint8_t login; /* wants the PIN */
	uint8_t pin_count_low;
	char refuse[SIGNER_DETAIL_MAX + 1]; /* why no login may be tried, or "" */
	uint32_t other; /* 1 + index of a key that is not its certificate's; 0: none seen */
	char other_pin[CERT_PIN_MAX]; /* of that key, as the token shows it */
};

struct child_login {
	uint32_t type;
	uint32_t code; /* KD_OK, KD_E_PIN; anything else: C_Login was not called */
	char detail[SIGNER_DETAIL_MAX + 1];
};

struct child_key {
	uint32_t type, index;
	struct signer_key key; /* name empty */
};

struct child_ready {
	uint32_t type, sessions;
};

struct child_fault {
	uint32_t type, state; /* enum token_state */
	char detail[SIGNER_DETAIL_MAX + 1];
	uint32_t misconfigured; /* 1: looking again does not help, only an operator */
	uint32_t grown;         /* 1: no fault yet; a fresh module should take its place */
};

struct child_result {
	uint32_t type, cell, serial;
	uint32_t code; /* enum kd_code */
	uint8_t heard, replace, retry, key_unusable;
	uint32_t token_us;
	uint64_t ckr;
	uint32_t key; /* index in the configuration: the job may be over for the parent */
	uint32_t len;
	uint8_t body[SIGNER_SIGNATURE_MAX]; /* signature, or one sentence; only len bytes
					       are sent */
};
#define CHILD_RESULT_HEAD offsetof(struct child_result, body)

union child_msg {
	uint32_t type;
	struct child_found found;
	struct child_login login;
	struct child_key key;
	struct child_ready ready;
	struct child_fault fault;
	struct child_result result;
};

/* Length right for its type, texts ended, numbers in range: what the parent may then rely
 * on. Errors: KD_E_PROTOCOL. */
bool child_msg_check(union child_msg *m, size_t n, size_t keys, struct kd_err *e) KD_MUST;
/* dst, of size n, gets s, cut at n - 1 bytes. */
void child_text(char *dst, size_t n, const char *s);

/* What the child is to do; written to a memfd by the parent before the child is started.
 */
struct child_setup {
	char *module, *token; /* owned after child_setup_read */
	uint32_t sessions;
	uint32_t growth_kib; /* of memory, since it was ready: then it says "grown" */
	char **uris;         /* of the keys */
	char **pins; /* of their certificates (cert_pin.h); "" where there is none */
	size_t keys;
	char **pre_start; /* commands (prestart.h) */
	size_t pre_start_n;
};
void child_setup_write(const struct child_setup *s, struct buf *ret);
bool child_setup_read(
    const uint8_t *p, size_t n, struct child_setup *ret, struct kd_err *e) KD_MUST;
void child_setup_clear(struct child_setup *s);
AUTO_DEFINE_CLEAR(struct child_setup, child_setup_clear);
#endif
