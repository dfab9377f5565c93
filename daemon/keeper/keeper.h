/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/keeper.h - the parts of one running keeper, plugged together by main.c.
 */
#ifndef KD_KEEPER_KEEPER_H
#define KD_KEEPER_KEEPER_H
#include "daemon/keeper/expiry.h"
#include "daemon/keeper/front_link.h"
#include "daemon/keeper/group.h"
#include "daemon/keeper/heavy.h"
#include "daemon/keeper/loop.h"
#include "daemon/keeper/pool.h"
#include "daemon/keeper/record.h"
#include "daemon/keeper/request.h"
#include "daemon/keeper/settings.h"
#include "daemon/keeper/signer_link.h"

struct keeper_counters { /* since the start; for /metrics */
	uint64_t requests, items, signed_items, failed_items, unheard_items, refused,
	    repeated, record_failures;
};

/* Everything here is the loop's thread's. */
struct keeper {
	const char *config_path;
	struct loop *loop;
	struct pool *pool, *heavy_pool;
	struct record *record;
	struct front *front;
	struct settings *settings; /* one reference: the newest */
	struct signer_link **links;
	size_t links_n;
	struct group **groups;
	size_t groups_n;
	struct live live;
	struct work_list ops;      /* for the record, at the end of the turn */
	struct work_list checks;   /* for the pool, at the end of the turn */
	struct heavy heavy;        /* what takes long, for its own thread; the same */
	struct prepared *preparing; /* large requests that are being read */
	size_t bytes;              /* of large requests, read or under way */
	size_t lookups;            /* in the record or being told */
	struct work_list lookups_waiting;
	struct request *to_record; /* have results for the record */
	size_t in_record, in_pool; /* handed over and not back */
	bool record_bad, probing;
	char record_error[256];
	uint64_t probe_at;
	struct keeper_counters count;
	struct expiry_watch expiry;
	bool stopping;
	uint64_t stop_at; /* clock_ms: no longer waited for what is under way */
	uint64_t unsent_end; /* the same for what no signer has yet */
};

/* ---- ask.c and pipeline.c: the way of one request; refuse.c: pipeline_note ---- */

/* One question of the front's; answered now or later, always. */
void pipeline_ask(
    struct keeper *k, struct front_conn *c, uint64_t id, const struct ask *ask);
/* What became of an item at its signer. */
void pipeline_signed(struct keeper *k, struct item *it, const struct sign_result *res);
/* End of a turn: to the signers, the pool, the record. */
void pipeline_turn(struct keeper *k);
/* Deadlines. Returns when to be called again. */
uint64_t pipeline_timer(struct keeper *k, uint64_t now_ms);
/* Frees a request that will never be answered; at the end, when no thread holds it. */
void pipeline_forget(struct request *r);
/* Nothing is under way any more. */
bool pipeline_idle(const struct keeper *k);
/* An event about the keeper itself: "start", "stop", "config". */
void pipeline_note(struct keeper *k, const char *event);

/* ---- answers.c: questions that sign nothing ---- */

bool answers_keys(const struct keeper *k, const struct identity *who, struct answer *ret,
    struct buf *body, struct kd_err *e) KD_MUST;
bool answers_key(const struct keeper *k, const struct identity *who, const char *name,
    struct answer *ret, struct buf *body, struct kd_err *e) KD_MUST;
/* ask: what the front says of the relay */
bool answers_ready(const struct keeper *k, const struct ask *ask, struct answer *ret,
    struct buf *body, struct kd_err *e) KD_MUST;
/* metrics.c */
bool answers_metrics(const struct keeper *k, struct answer *ret, struct buf *body,
    struct kd_err *e) KD_MUST;

/* ---- signers.c: all signers, and who of them holds the same keys ---- */

/*
 * Links and groups for the signers and keys of s: those that stay are kept with what they
 * have under way, the others are retired. Nothing changes on failure. KD_E_NOMEM.
 */
bool signers_plug(struct keeper *k, const struct settings *s, struct kd_err *e) KD_MUST;
/* Of the newest settings, both; never NULL for what is configured there. */
struct signer_link *signers_link(const struct keeper *k, const struct signer_conf *c);
struct group *signers_group(const struct keeper *k, const struct key *key);
/* Retired ones that nothing needs any more; the end of a turn. */
void signers_drop_retired(struct keeper *k);
/* What waits goes to the signers as far as their windows allow. */
void signers_dispatch(struct keeper *k, uint64_t now_ms);
/* Returns when to be called again. */
uint64_t signers_timer(struct keeper *k, uint64_t now_ms);
void signers_free(struct keeper *k);
#endif
