/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/record.h - the record: events in order, what ids were answered, one
 * thread that commits. */
#ifndef KD_KEEPER_RECORD_H
#define KD_KEEPER_RECORD_H
#include <stdint.h>

#include "base/builder.h"
#include "daemon/keeper/loop.h"
#include "daemon/keeper/store.h"

struct request;
struct record; /* opaque: the thread, its store, the operations that wait */

struct record_note {       /* an event that is about no item */
	const char *event; /* "deny", "start", "stop", "config" */
	enum kd_code code; /* deny */
	char detail[512];
	char id[API_ID_MAX + 1]; /* "" in these: absent */
	char key[API_KEY_NAME_MAX + 1];
	char peer[65], request_id[33], subject[256];
	uint8_t client[32], cert[32];
	bool have_client;
	uint8_t config[32]; /* start, config: SHA-256 of the effective configuration */
	bool have_config;
};

struct found_item { /* as in store.h, with its bytes in the found's buf */
	uint32_t index;
	enum api_status status;
	bool final;
	enum kd_code code;
	char detail[256];
	enum md md;
	uint64_t chain;
	size_t content_at, content_len, attrs_at, attrs_len, sig_at, sig_len;
};
struct found_chain {
	uint64_t no;
	size_t at, len; /* u32 length and DER of each, in the found's buf */
};
struct store_found {
	bool have;
	struct store_request req;
	struct found_item *items; /* those that have an outcome */
	size_t items_n;
	struct found_chain
	    chains[16]; /* keys change seldom: an id's items hardly ever span two */
	size_t chains_n;
	struct buf bytes;
};
void store_found_clear(struct store_found *f);

enum record_kind {
	RECORD_INTENT, /* a new request and the intents of its items in ITEM_INTENT; or
			  finds the id taken */
	RECORD_AGAIN, /* the same for a request that is recorded: items nobody heard of */
	RECORD_RESULT, /* outcomes of the items listed */
	RECORD_NOTE,
	RECORD_LOAD, /* only look an id up */
	RECORD_PROBE /* only see whether it can be written */
};

/* One operation. Embedded; belongs to the record from record_submit to work.done. */
struct record_op {
	struct work work;
	enum record_kind kind;
	struct request *req;    /* INTENT, AGAIN, RESULT */
	struct work_list items; /* RESULT: items by their work */
	bool last;              /* RESULT: the request is not open any more afterwards */
	const struct record_note *note; /* NOTE */
	char id[API_ID_MAX + 1];        /* LOAD */
	/* out */
	bool ok, existed;  /* existed: INTENT found the id taken; see found */
	uint64_t no;       /* INTENT: the request's number */
	uint64_t chain_no; /* RESULT: number of the key's certificates */
	struct store_found found;
	struct kd_err e;
};

struct record_limits {
	uint64_t reserve; /* free bytes that only results may use */
	unsigned busy_ms; /* wait for another program's lock */
};

/*
 * record_open - open the store, check the sequence, close what a crash left open (as
 * unknown), start the thread. Finished operations go to loop, which must outlive the
 * record. Errors: KD_E_STORE, KD_E_INCONSISTENT.
 */
bool record_open(const char *path, const struct record_limits *limits, struct loop *loop,
    struct record **ret, struct kd_err *e) KD_MUST;
/* Writes what was submitted, then closes. */
void record_free(struct record *r);
AUTO_DEFINE(struct record, record_free);
/*
 * record_submit - all of a list of record_op (by work); taken over until each one's done.
 * Everything waiting goes into one transaction, made durable by one commit. It may wait
 * for company until the patience of one of them is over.
 *
 * ok false means: not written, as far as anyone can tell; KD_E_STORE. After a failure the
 * store is closed, opened anew and checked before anything else is written: a commit that
 * failed is never trusted.
 */
void record_submit(struct record *r, struct work_list *ops, uint64_t patience_ms);
void record_set_limits(struct record *r, const struct record_limits *limits);
/* Events written so far; any thread. */
uint64_t record_last(const struct record *r);
#endif
