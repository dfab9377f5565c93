/* SPDX-License-Identifier: Apache-2.0 */
/* limits.h - how many connections one address or one client may hold, and bytes all of
 * them. */
#ifndef KD_FRONT_LIMITS_H
#define KD_FRONT_LIMITS_H
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/own.h"

#define LIMIT_KEY_LEN 32

struct limit_key { /* a certificate's SHA-256, or an address; unused bytes are zero */
	uint8_t b[LIMIT_KEY_LEN];
};

/* Counts per key, each at most the limit. Safe from several threads. */
struct counts; /* opaque */

void counts_free(struct counts *c);
AUTO_DEFINE(struct counts, counts_free);
bool counts_new(uint64_t limit, struct counts **ret, struct kd_err *e) KD_MUST;
/* One more of this key: false at the limit (or without memory), and then nothing changed.
 */
bool counts_take(struct counts *c, const struct limit_key *k) KD_MUST;
/* Undoes one counts_take that gave true. */
void counts_drop(struct counts *c, const struct limit_key *k);
/* Whether one more would be refused now. */
bool counts_full(struct counts *c, const struct limit_key *k);

/* Bytes of request bodies held at this moment. All-zero but for max is valid. */
struct budget {
	atomic_uint_fast64_t used;
	uint64_t max;
};
bool budget_take(struct budget *b, uint64_t n) KD_MUST; /* false: nothing was taken */
void budget_give(struct budget *b, uint64_t n);
bool budget_fits(struct budget *b, uint64_t n); /* a look, not a promise */

/*
 * limit_key_address - what an address counts as: an IPv4 address (also when mapped into
 * IPv6), or the /64 of an IPv6 one, since one machine owns all of that. False for other
 * families.
 */
bool limit_key_address(const struct sockaddr *sa, socklen_t len, struct limit_key *ret);
/* The same from text ("192.0.2.1", "2001:db8::1"). KD_E_CONFIG when it is no address. */
bool limit_key_parse(const char *s, struct limit_key *ret, struct kd_err *e) KD_MUST;
#endif
