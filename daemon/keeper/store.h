/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/store.h - what the record needs of a database: rows in, rows out,
 * transactions. */
#ifndef KD_KEEPER_STORE_H
#define KD_KEEPER_STORE_H
#include <stdint.h>

#include "base/builder.h"
#include "base/error.h"
#include "base/md.h"
#include "wire/api.h"

struct store_request {
	uint64_t no; /* sequence number of its first event */
	char id[API_ID_MAX + 1];
	char key[API_KEY_NAME_MAX + 1];
	uint8_t client[32], content[32];
	uint32_t items_n;
};

/* What became of one item. Borrowed bytes; in answers they live until the next call. */
struct store_item {
	uint32_t index;
	enum api_status status; /* API_SIGNED or API_FAILED */
	bool final;             /* false: no token heard of it, it may be tried again */
	const char *code;       /* kd_code_info name; "" when signed */
	const char *detail;
	enum md md;     /* the rest: signed only */
	uint64_t chain; /* number of the certificates, chain_put */
	const uint8_t *content, *attrs, *sig;
	size_t content_len, attrs_len, sig_len;
};

/*
 * Used by one thread. Every call may fail with KD_E_STORE (full, locked, I/O error) or
 * KD_E_INCONSISTENT; after either the transaction is to be rolled back and the store
 * closed.
 */
struct store_ops {
	bool (*begin)(void *self, struct kd_err *e);
	bool (*commit)(void *self, struct kd_err *e); /* durable when true */
	void (*rollback)(void *self);
	/* Nothing but a test that it can be written: the caller rolls back or commits. */
	bool (*touch)(void *self, struct kd_err *e);
	bool (*event_add)(
	    void *self, uint64_t seq, const char *json, size_t n, struct kd_err *e);
	/* Last sequence number; KD_E_INCONSISTENT unless the events are 1, 2, 3 ...
	 * without a gap. */
	bool (*event_check)(void *self, uint64_t *ret_last, struct kd_err *e);
	bool (*event_last)(void *self, uint64_t *ret_last, struct kd_err *e);
	/* *ret_new false: the id is taken, nothing was written. A new one is open. */
	bool (*request_add)(
	    void *self, const struct store_request *r, bool *ret_new, struct kd_err *e);
	bool (*request_find)(void *self, const char *id, struct store_request *ret,
	    bool *ret_have, struct kd_err *e);
	/* Open: has intents whose outcome is not recorded. */
	bool (*request_set_open)(void *self, uint64_t no, bool open, struct kd_err *e);
	/* An open request with the smallest number, for the recovery at the start. */
	bool (*request_next_open)(
	    void *self, struct store_request *ret, bool *ret_have, struct kd_err *e);
	/* *ret_new false: the item has its outcome already, nothing was written. */
	bool (*item_add)(void *self, uint64_t no, const struct store_item *i,
	    bool *ret_new, struct kd_err *e);
	bool (*item_forget)(void *self, uint64_t no, uint32_t index, struct kd_err *e);
	bool (*items)(void *self, uint64_t no,
	    bool (*each)(void *arg, const struct store_item *i, struct kd_err *e),
	    void *arg, struct kd_err *e);
	bool (*chain_put)(void *self, const uint8_t sha256[32], const uint8_t *der,
	    size_t n, uint64_t *ret_no, struct kd_err *e);
	bool (*chain_get)(void *self, uint64_t no, struct buf *ret, struct kd_err *e);
	/* Writes all that can be read to the disk again, whatever it said before. */
	bool (*settle)(void *self, struct kd_err *e);
	/* False when the file was removed or replaced under us. */
	bool (*in_place)(void *self, struct kd_err *e);
	void (*close)(void *self);
};

struct store {
	const struct store_ops *ops; /* NULL: closed */
	void *self;
};

/*
 * store_open_sqlite - the record in one file (WAL, synchronous=FULL); made when absent,
 * an older schema is migrated in one transaction.
 *
 * busy_ms  how long a lock held by another program is waited for
 * Errors: KD_E_STORE with the path; KD_E_INCONSISTENT when the file is not a record or of
 * a newer version.
 */
bool store_open_sqlite(
    const char *path, unsigned busy_ms, struct store *ret, struct kd_err *e) KD_MUST;
#define STORE_SCHEMA 1 /* version that this program writes */
#endif
