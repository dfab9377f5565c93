/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/group.h - the signers that hold the same keys, and what waits for any of
 * them. */
#ifndef KD_KEEPER_GROUP_H
#define KD_KEEPER_GROUP_H
#include "daemon/keeper/queue.h"
#include "daemon/keeper/request.h"
#include "daemon/keeper/signer_link.h"

#define GROUP_MEMBERS_MAX SETTINGS_KEY_SIGNERS_MAX

/*
 * One queue before several tokens. An item goes to the member that will be done with it
 * soonest, of those where its key can sign now; one that no token has heard of goes on to
 * another member when the first fails. What a token may have heard of never does: no id is
 * signed twice. The loop's thread only.
 */
struct group {
	struct queue queue;
	bool retired; /* no key is held by just these any more */
	struct signer_link *members[GROUP_MEMBERS_MAX]; /* borrowed, in the order configured */
	size_t members_n;
};

/* Exactly these members, in any order? */
bool group_is(const struct group *g, struct signer_link *const *members, size_t n);
bool group_has(const struct group *g, const struct signer_link *l);
/* The member that can sign with the key now and will be done soonest; NULL: none can. */
const struct signer_link *group_pick(
    const struct group *g, const struct key *k, int64_t now_unix);
/*
 * group_check_key - could any member sign with this key now.
 * Errors: settings_key_check_dates'; signer_link_check_key's, of the member that is to be
 * waited for least, its sentence with those of all others.
 */
bool group_check_key(const struct group *g, const struct key *k, int64_t now_unix,
    struct kd_err *e) KD_MUST;
/* In how many seconds one of them is tried again; 0: one can sign now, or nobody knows. */
unsigned group_retry_s(const struct group *g, const struct key *k, int64_t now_unix);
/*
 * Hands one waiting item over, or gives one up: by its deadline, by its key's dates, or
 * because no member is connected. False: none waits, or no member has room. Members are
 * flushed by the caller.
 */
bool group_dispatch_one(struct group *g, uint64_t now_ms, uint64_t sign_deadline_ms);
/* Gives one waiting item up: nobody heard of it, and this is why. False: none waits. */
bool group_give_up_one(struct group *g, const struct kd_err *why);
/* The item came back from a member, unheard: true when it waits for another one now. */
bool group_take_back(struct group *g, struct item *it, const struct signer_link *from,
    const struct sign_result *res);
/* For how long none of the members' sessions will be idle, by what their last signatures
 * took. */
uint64_t group_busy_ms(const struct group *g);
#endif
