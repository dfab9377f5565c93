/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/request.h - one signing request on its way, and its items. */
#ifndef KD_KEEPER_REQUEST_H
#define KD_KEEPER_REQUEST_H
#include <stdint.h>

#include "authenticode/cms.h"
#include "daemon/keeper/queue.h"
#include "daemon/keeper/record.h"
#include "daemon/keeper/settings.h"
#include "daemon/keeper/work.h"
#include "wire/api.h"
#include "wire/front_msg.h"
#include "wire/signer_msg.h"

struct front_conn;
struct keeper;
struct group;

/* Each arrow of pipeline.c moves an item from one state to the next. */
enum item_state {
	ITEM_NEW,    /* nothing of it is written */
	ITEM_INTENT, /* its intent is with the record */
	ITEM_QUEUED, /* intent durable; waits for the signer */
	ITEM_SENT,   /* the signer has it */
	ITEM_CHECK,  /* signature with the pool: verify, assemble */
	ITEM_RECORD, /* result waits for or is with the record */
	ITEM_DONE    /* result durable: may be told */
};

struct item {
	struct queue_node node; /* first: in the signer's queue */
	struct work work; /* with the pool, or in the request's list of results to record */
	struct request *req;
	uint32_t index;
	enum item_state state;
	const struct policy_grant *grant; /* of the request's settings */
	struct signer_link *link; /* whose token signed it, last; of the request's group */
	uint32_t tried;    /* members of the group that gave it back; a bit each */
	bool final;        /* false with a failure: no token heard of it */
	enum kd_code code; /* KD_OK: signed */
	char detail[SIGNER_DETAIL_MAX + 1];
	enum md md;
	enum cms_content_type type;
	const uint8_t *ctl; /* the content of a catalog that was asked for: in req->ask */
	size_t content_at, content_len, attrs_at, attrs_len; /* in req->der */
	uint8_t blob_sha256[32]; /* of the CTL or the table of page hashes */
	struct buf members; /* what a catalog lists, as JSON; until its intent is written */
	size_t members_n;
	uint8_t tbs[MD_LEN_MAX]; /* what the token signs: digest of attrs */
	uint8_t sig[SIGNER_SIGNATURE_MAX];
	size_t sig_len;
	uint64_t ckr;
	uint32_t token_us;
	const struct certs *chain; /* of the key, or as recorded */
	uint64_t chain_no;         /* in the record */
	struct buf cms;            /* assembled; may come before the result is durable */
};

struct waiter { /* somebody who is to be told */
	struct waiter *next;
	struct front_conn *conn; /* held */
	uint64_t frame_id;
	uint64_t deadline; /* clock_ms: then 202 */
	bool reads;        /* GET: to have read what became of it is a success */
	char request_id[ASK_REQUEST_ID_LEN + 1];
};

/*
 * Belongs to the loop. While one of the ops is with the record, or an item with the pool,
 * those read what they need of it and the loop changes none of that.
 */
struct request {
	struct keeper *keeper;       /* whose it is; NULL before that is decided */
	size_t charged;              /* of keeper->bytes */
	size_t expected;             /* bytes of its answer, about; 0: not known */
	struct request *bucket;      /* live table */
	struct request *prev, *next; /* list of all live ones */
	struct api_sign_request ask;
	uint8_t client[32];  /* SPKI SHA-256: whose id it is */
	uint8_t content[32]; /* SHA-256 of everything that was asked */
	uint8_t cert[32];
	char subject[256];
	char peer[ASK_PEER_MAX + 1], request_id[ASK_REQUEST_ID_LEN + 1];
	char key_name[API_KEY_NAME_MAX + 1];
	struct settings *settings; /* held */
	const struct key *key;     /* of settings */
	struct group *group;       /* the signers that hold it */
	uint64_t no; /* in the record; 0 before */
	struct item *items;
	size_t items_n, undecided;
	unsigned retry_s; /* decided, unheard: when its signer is tried again; 0: unknown */
	size_t places;  /* taken in the signer's queue before the intents are written */
	struct buf der; /* content and attributes of all items */
	struct certs_list {
		uint64_t no;
		struct certs *certs;
	} * chains; /* as recorded, for items that come from the record; owned */
	size_t chains_n;
	struct waiter *waiters;
	bool listed; /* in the live table and list */
	bool late; /* the record was too slow: told 503, so its intents are not acted on */
	bool unrecorded; /* a result could not be written; tried again by the timer */
	uint64_t record_deadline;  /* of the op that runs; UINT64_MAX when none */
	uint64_t work_deadline;    /* what has not reached a signer by then is given up */
	struct request *to_record; /* in the turn's list of requests with results */
	bool to_record_listed;
	struct work encode; /* all items decided: the answer is being made */
	bool encoding;
	void (*encoded)(void *self);
	void *encoded_self;
	struct answer answer; /* of a large request, with its body; status 0: not made */
	struct buf body;
	struct record_op intent, result;
	bool result_busy;
	struct work_list results; /* items by work, to go with the next result op */
	uint64_t results_at; /* clock_ms: then even if not complete; UINT64_MAX: no date yet */
};

/*
 * Takes the decoded request over (take_ask is empty afterwards). Any thread: the caller
 * sees to it that the settings which key is of stay, and sets ret's. KD_E_NOMEM,
 * KD_E_CRYPTO.
 */
bool request_new(struct api_sign_request *take_ask, const struct identity *who,
    const struct ask *ask, const struct key *key, struct request **ret,
    struct kd_err *e) KD_MUST;
/* One without content, to be filled from the record: for GET. */
bool request_new_empty(const char *id, const struct identity *who, const struct ask *ask,
    struct request **ret, struct kd_err *e) KD_MUST;
/* Gives back what it is charged for to its keeper. The loop's thread. */
void request_free(struct request *r);
AUTO_DEFINE(struct request, request_free);
/*
 * request_build - content, attributes and their digest of every item of a new request.
 *
 * Catalogs and page hashes are taken apart and checked. Any thread.
 * Errors: KD_E_REQUEST, KD_E_TOO_LARGE name the item's member; KD_E_NOMEM, KD_E_CRYPTO.
 */
bool request_build(struct request *r, struct kd_err *e) KD_MUST;
/* Sets r->expected. KD_E_TOO_LARGE when the signatures asked for are more than one answer
 * may have. */
bool request_check_size(struct request *r, struct kd_err *e) KD_MUST;
/* One allocation instead of a dozen growing ones; failing shows at the first append. */
void request_make_room(struct buf *b, size_t n);
/* What identifies the content of a request: SHA-256 of everything that was asked but the
 * id itself, into r->content; and of its large parts, into the items. */
bool request_digest(struct request *r, struct kd_err *e) KD_MUST;
/* Do its items stand under several grants? */
bool request_mixes_grants(const struct request *r);
/* What an item's signature says, as far as it is for cms_assemble. Borrowed. */
struct cms_signed request_said(const struct item *it);
/* Fill items from what the record found; those without a row stay ITEM_NEW. */
bool request_fill(struct request *r, struct store_found *found, struct kd_err *e) KD_MUST;
/* Verify and assemble one item: the pool's work. Sets code and detail. */
void request_check_item(struct item *it);
/*
 * request_answer - HTTP status and body of what is known now.
 *
 * Problem when no token heard of any item; else the items: 202 while any is undecided, the
 * status of their code when all failed alike, else 200.
 * body  appended to
 */
bool request_answer(struct request *r, const char *request_id, struct answer *ret,
    struct buf *body, struct kd_err *e) KD_MUST;

/* A whole-request problem; body is appended to. */
void request_problem(
    const struct kd_err *e, const char *request_id, struct answer *ret, struct buf *body);
/* Seconds for Retry-After, 0 for none. */
uint32_t request_retry_after(enum kd_code code);

/* Requests that are under way, by id. */
#define LIVE_BUCKETS 4096
struct live {
	struct request *buckets[LIVE_BUCKETS];
	struct request *first; /* all of them */
	size_t n;
};
struct request *live_find(const struct live *l, const char *id);
void live_add(struct live *l, struct request *r);
void live_remove(struct live *l, struct request *r);
#endif
