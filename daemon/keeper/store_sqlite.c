/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/store_sqlite.c - the record in one SQLite file. */
#include "daemon/keeper/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/own.h"
#include "base/text.h"
#include "daemon/keeper/copy.h"
#include "daemon/keeper/store_sql.h"

#define APPLICATION_ID 0x6b647367 /* "kdsg": a record, and nobody else's database */
#define ITEMS_PER_REQUEST 1024    /* an item's row is request * 1024 + index */

_Static_assert(
    API_ITEMS_MAX < ITEMS_PER_REQUEST, "item rows of two requests would overlap");

struct lite {
	sqlite3 *db;
	sqlite3_stmt *st[ST_N];
	char *path;
	dev_t dev;
	ino_t ino;
};

static bool
fail(const struct lite *s, const char *what, struct kd_err *e)
{
	return kd_fail(e, KD_E_STORE, "record '%s': %s: %s", SHOW(s->path), what,
	    sqlite3_errmsg(s->db));
}

static void
lite_close(void *self)
{
	struct lite *s = self;

	if (s == NULL)
		return;
	for (size_t i = 0; i < ST_N; i++)
		(void)sqlite3_finalize(s->st[i]);
	(void)sqlite3_close(s->db);
	free(s->path);
	free(s);
}
AUTO_DEFINE(void, lite_close);

static sqlite3_int64
i64(uint64_t v)
{
	return (sqlite3_int64)v; /* row numbers: far below 2^53 */
}

/* One step of a statement without a result. */
static bool
run(struct lite *s, enum statement which, const char *what, struct kd_err *e)
{
	sqlite3_stmt *st = s->st[which];
	int rc = sqlite3_step(st);

	if (rc != SQLITE_DONE)
		(void)fail(
		    s, what, e); /* before the reset, which may say something else */
	(void)sqlite3_reset(st);
	return rc == SQLITE_DONE;
}

/* The first row; the caller reads it and resets. */
static bool
row(struct lite *s, enum statement which, const char *what, bool *ret_have,
    struct kd_err *e)
{
	int rc = sqlite3_step(s->st[which]);

	*ret_have = rc == SQLITE_ROW;
	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return true;
	(void)fail(s, what, e);
	(void)sqlite3_reset(s->st[which]);
	return false;
}

static bool
lite_begin(void *self, struct kd_err *e)
{
	return run(self, ST_BEGIN, "begin", e);
}

static bool
lite_commit(void *self, struct kd_err *e)
{
	return run(self, ST_COMMIT, "commit", e);
}

static void
lite_rollback(void *self)
{
	struct lite *s = self;

	/* Some errors have rolled back already; then this has nothing left to end. */
	(void)sqlite3_step(s->st[ST_ROLLBACK]);
	(void)sqlite3_reset(s->st[ST_ROLLBACK]);
}

static bool
lite_touch(void *self, struct kd_err *e)
{
	return run(self, ST_TOUCH, "write", e);
}

static bool
lite_event_add(void *self, uint64_t seq, const char *json, size_t n, struct kd_err *e)
{
	struct lite *s = self;
	sqlite3_stmt *st = s->st[ST_EVENT_ADD];

	(void)sqlite3_bind_int64(st, 1, i64(seq));
	(void)sqlite3_bind_text(st, 2, json, (int)n, SQLITE_STATIC);
	return run(s, ST_EVENT_ADD, "event", e);
}

static bool
lite_event_last(void *self, uint64_t *ret_last, struct kd_err *e)
{
	struct lite *s = self;
	bool have;

	if (!row(s, ST_EVENT_LAST, "last event", &have, e))
		return false;
	*ret_last = (uint64_t)sqlite3_column_int64(s->st[ST_EVENT_LAST], 0);
	(void)sqlite3_reset(s->st[ST_EVENT_LAST]);
	return true;
}

static bool
lite_event_check(void *self, uint64_t *ret_last, struct kd_err *e)
{
	struct lite *s = self;
	sqlite3_stmt *st = s->st[ST_EVENT_CHECK];
	sqlite3_int64 n, first, last;
	bool have;

	if (!row(s, ST_EVENT_CHECK, "events", &have, e))
		return false;
	n = sqlite3_column_int64(st, 0);
	first = sqlite3_column_int64(st, 1);
	last = sqlite3_column_int64(st, 2);
	(void)sqlite3_reset(st);
	if (first != 1 || n != last)
		return kd_fail(e, KD_E_INCONSISTENT,
		    "record '%s': %lld events numbered %lld to %lld; "
		    "they must be 1 to their count, without a gap",
		    SHOW(s->path), n, first, last);
	st = s->st[ST_EVENT_NUMBER];
	(void)sqlite3_bind_int64(st, 1, 0);
	if (!row(s, ST_EVENT_NUMBER, "events", &have, e))
		return false;
	first = have ? sqlite3_column_int64(st, 0) : 0;
	(void)sqlite3_reset(st);
	if (have)
		return kd_fail(e, KD_E_INCONSISTENT,
		    "record '%s': event %lld carries another number inside",
		    SHOW(s->path), first);
	*ret_last = (uint64_t)last;
	return true;
}

static bool
lite_request_set_open(void *self, uint64_t no, bool open, struct kd_err *e)
{
	struct lite *s = self;
	enum statement which = open ? ST_OPEN : ST_SHUT;

	(void)sqlite3_bind_int64(s->st[which], 1, i64(no));
	return run(s, which, "request", e);
}

static bool
lite_request_add(
    void *self, const struct store_request *r, bool *ret_new, struct kd_err *e)
{
	struct lite *s = self;
	sqlite3_stmt *st = s->st[ST_REQUEST_ADD];

	(void)sqlite3_bind_int64(st, 1, i64(r->no));
	(void)sqlite3_bind_text(st, 2, r->id, -1, SQLITE_STATIC);
	(void)sqlite3_bind_blob(st, 3, r->client, 32, SQLITE_STATIC);
	(void)sqlite3_bind_blob(st, 4, r->content, 32, SQLITE_STATIC);
	(void)sqlite3_bind_text(st, 5, r->key, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(st, 6, r->items_n);
	if (!run(s, ST_REQUEST_ADD, "request", e))
		return false;
	*ret_new = sqlite3_changes(s->db) == 1;
	return !*ret_new || lite_request_set_open(s, r->no, true, e);
}

static bool
copy_request(
    struct lite *s, sqlite3_stmt *st, struct store_request *ret, struct kd_err *e)
{
	const char *id = (const char *)sqlite3_column_text(st, 1);
	const char *key = (const char *)sqlite3_column_text(st, 4);
	sqlite3_int64 items = sqlite3_column_int64(st, 5);

	if (id == NULL || !api_id_ok(id) || key == NULL || !api_key_name_ok(key) ||
	    sqlite3_column_bytes(st, 2) != 32 || sqlite3_column_bytes(st, 3) != 32 ||
	    items < 1 || items > API_ITEMS_MAX)
		return kd_fail(e, KD_E_INCONSISTENT,
		    "record '%s': request %lld is malformed", SHOW(s->path),
		    sqlite3_column_int64(st, 0));
	*ret = (struct store_request){
	    .no = (uint64_t)sqlite3_column_int64(st, 0), .items_n = (uint32_t)items};
	COPY(ret->id, id);
	COPY(ret->key, key);
	memcpy(ret->client, sqlite3_column_blob(st, 2), 32);
	memcpy(ret->content, sqlite3_column_blob(st, 3), 32);
	return true;
}

static bool
get_request(struct lite *s, enum statement which, struct store_request *ret,
    bool *ret_have, struct kd_err *e)
{
	bool done = true;

	if (!row(s, which, "request", ret_have, e))
		return false;
	if (*ret_have)
		done = copy_request(s, s->st[which], ret, e);
	(void)sqlite3_reset(s->st[which]);
	return done;
}

static bool
lite_request_find(void *self, const char *id, struct store_request *ret, bool *ret_have,
    struct kd_err *e)
{
	struct lite *s = self;

	(void)sqlite3_bind_text(s->st[ST_REQUEST_FIND], 1, id, -1, SQLITE_STATIC);
	return get_request(s, ST_REQUEST_FIND, ret, ret_have, e);
}

static bool
lite_request_next_open(
    void *self, struct store_request *ret, bool *ret_have, struct kd_err *e)
{
	return get_request(self, ST_REQUEST_NEXT_OPEN, ret, ret_have, e);
}

static bool
lite_item_add(
    void *self, uint64_t no, const struct store_item *i, bool *ret_new, struct kd_err *e)
{
	struct lite *s = self;
	sqlite3_stmt *st = s->st[ST_ITEM_ADD];

	(void)sqlite3_bind_int64(st, 1, i64(no * ITEMS_PER_REQUEST + i->index));
	(void)sqlite3_bind_int(st, 2, (int)i->status);
	(void)sqlite3_bind_int(st, 3, i->final);
	(void)sqlite3_bind_text(st, 4, i->code, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(st, 5, i->detail, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int(st, 6, (int)i->md);
	(void)sqlite3_bind_int64(st, 7, i64(i->chain));
	(void)sqlite3_bind_blob(st, 8, i->content, (int)i->content_len, SQLITE_STATIC);
	(void)sqlite3_bind_blob(st, 9, i->attrs, (int)i->attrs_len, SQLITE_STATIC);
	(void)sqlite3_bind_blob(st, 10, i->sig, (int)i->sig_len, SQLITE_STATIC);
	if (!run(s, ST_ITEM_ADD, "item", e))
		return false;
	*ret_new = sqlite3_changes(s->db) == 1;
	return true;
}

static bool
lite_item_forget(void *self, uint64_t no, uint32_t index, struct kd_err *e)
{
	struct lite *s = self;

	(void)sqlite3_bind_int64(
	    s->st[ST_ITEM_FORGET], 1, i64(no * ITEMS_PER_REQUEST + index));
	return run(s, ST_ITEM_FORGET, "item", e);
}

static bool
read_item(struct lite *s, sqlite3_stmt *st, struct store_item *ret, struct kd_err *e)
{
	sqlite3_int64 at = sqlite3_column_int64(st, 0);
	int status = sqlite3_column_int(st, 1), md = sqlite3_column_int(st, 5);

	*ret = (struct store_item){
	    .index = (uint32_t)(at % ITEMS_PER_REQUEST),
	    .status = (enum api_status)status,
	    .final = sqlite3_column_int(st, 2) != 0,
	    .code = (const char *)sqlite3_column_text(st, 3),
	    .detail = (const char *)sqlite3_column_text(st, 4),
	    .md = (enum md)md,
	    .chain = (uint64_t)sqlite3_column_int64(st, 6),
	    .content = sqlite3_column_blob(st, 7),
	    .content_len = (size_t)sqlite3_column_bytes(st, 7),
	    .attrs = sqlite3_column_blob(st, 8),
	    .attrs_len = (size_t)sqlite3_column_bytes(st, 8),
	    .sig = sqlite3_column_blob(st, 9),
	    .sig_len = (size_t)sqlite3_column_bytes(st, 9),
	};
	if ((status != API_SIGNED && status != API_FAILED) || md < MD_NONE ||
	    md > MD_SHA512 || ret->code == NULL || ret->detail == NULL ||
	    /* neither content nor attributes: the signature is detached */
	    (status == API_SIGNED &&
		(md == MD_NONE || ret->sig_len == 0 ||
		    (ret->content_len == 0) != (ret->attrs_len == 0))))
		return kd_fail(e, KD_E_INCONSISTENT,
		    "record '%s': item %lld is malformed", SHOW(s->path), at);
	return true;
}

static bool
lite_items(void *self, uint64_t no,
    bool (*each)(void *arg, const struct store_item *i, struct kd_err *e), void *arg,
    struct kd_err *e)
{
	struct lite *s = self;
	sqlite3_stmt *st = s->st[ST_ITEMS];
	struct store_item item;
	bool have, done;

	(void)sqlite3_bind_int64(st, 1, i64(no * ITEMS_PER_REQUEST));
	(void)sqlite3_bind_int64(
	    st, 2, i64(no * ITEMS_PER_REQUEST + ITEMS_PER_REQUEST - 1));
	while ((done = row(s, ST_ITEMS, "items", &have, e)) && have)
		if (!read_item(s, st, &item, e) || !each(arg, &item, e)) {
			done = false;
			break;
		}
	(void)sqlite3_reset(st);
	return done;
}

static bool
lite_chain_put(void *self, const uint8_t sha256[32], const uint8_t *der, size_t n,
    uint64_t *ret_no, struct kd_err *e)
{
	struct lite *s = self;
	sqlite3_stmt *st = s->st[ST_CHAIN_PUT];
	bool have;

	(void)sqlite3_bind_blob(st, 1, sha256, 32, SQLITE_STATIC);
	(void)sqlite3_bind_blob(st, 2, der, (int)n, SQLITE_STATIC);
	if (!row(s, ST_CHAIN_PUT, "certificates", &have, e))
		return false;
	*ret_no = (uint64_t)sqlite3_column_int64(st, 0);
	(void)sqlite3_reset(st);
	return true;
}

static bool
lite_chain_get(void *self, uint64_t no, struct buf *ret, struct kd_err *e)
{
	struct lite *s = self;
	sqlite3_stmt *st = s->st[ST_CHAIN_GET];
	bool have;

	(void)sqlite3_bind_int64(st, 1, i64(no));
	if (!row(s, ST_CHAIN_GET, "certificates", &have, e))
		return false;
	if (have)
		buf_add(
		    ret, sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0));
	(void)sqlite3_reset(st);
	if (!have)
		return kd_fail(e, KD_E_INCONSISTENT,
		    "record '%s': there are no certificates number %llu", SHOW(s->path),
		    (unsigned long long)no);
	return buf_ok(ret, "certificates", e);
}

static bool
lite_settle(void *self, struct kd_err *e)
{
	struct lite *s = self;
	int all = 0, copied = 0;

	if (sqlite3_wal_checkpoint_v2(
		s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &all, &copied) != SQLITE_OK)
		return fail(s, "checkpoint", e);
	return copied == all ||
	       kd_fail(e, KD_E_STORE,
		   "record '%s': another program's reading is in the way of %d of %d "
		   "pages",
		   SHOW(s->path), all - copied, all);
}

static bool
lite_in_place(void *self, struct kd_err *e)
{
	struct lite *s = self;
	struct stat st;

	if (stat(s->path, &st) != 0)
		return kd_fail_errno(e, KD_E_STORE, errno, "record '%s'", SHOW(s->path));
	if (st.st_dev != s->dev || st.st_ino != s->ino)
		return kd_fail(e, KD_E_STORE, "record '%s' was replaced by another file",
		    SHOW(s->path));
	return true;
}

static bool
get_pragma(struct lite *s, const char *sql, sqlite3_int64 *ret, struct kd_err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(st, 0);
	else
		(void)fail(s, sql, e);
	(void)sqlite3_finalize(st);
	if (rc == SQLITE_NOTADB || rc == SQLITE_CORRUPT)
		e->code = KD_E_INCONSISTENT;
	return rc == SQLITE_ROW;
}

static bool
exec(struct lite *s, const char *sql, struct kd_err *e)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
	       fail(s, "open", e);
}

/* All steps from version have on, and the new version's number, or nothing at all. */
static bool
migrate(struct lite *s, sqlite3_int64 have, struct kd_err *e)
{
	char end[96];
	bool done;

	(void)snprintf(end, sizeof(end),
	    "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
	    APPLICATION_ID, STORE_SCHEMA);
	/* In an empty file only: larger pages take fewer writes. */
	done = exec(s, "PRAGMA page_size = 8192; BEGIN IMMEDIATE", e);
	for (; done && have < STORE_SCHEMA; have++)
		done = exec(s, store_migrations[have], e);
	done = done && exec(s, end, e);
	if (!done) {
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		return kd_in(e, "migration from schema version %lld", have);
	}
	return true;
}

static bool
check_schema(struct lite *s, struct kd_err *e)
{
	sqlite3_int64 app, have, tables;

	if (!get_pragma(s, "PRAGMA application_id", &app, e) ||
	    !get_pragma(s, "PRAGMA user_version", &have, e) ||
	    !get_pragma(s, "SELECT count(*) FROM sqlite_schema", &tables, e))
		return false;
	if (app != APPLICATION_ID && (app != 0 || have != 0 || tables != 0))
		return kd_fail(e, KD_E_INCONSISTENT,
		    "'%s' is a database, but not a record of kdsign", SHOW(s->path));
	if (have > STORE_SCHEMA || have < 0)
		return kd_fail(e, KD_E_INCONSISTENT,
		    "record '%s' has schema version %lld; this program knows "
		    "up to %d",
		    SHOW(s->path), have, STORE_SCHEMA);
	return have == STORE_SCHEMA || migrate(s, have, e);
}

static bool
prepare(struct lite *s, struct kd_err *e)
{
	for (size_t i = 0; i < ST_N; i++)
		if (sqlite3_prepare_v3(s->db, store_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
			&s->st[i], NULL) != SQLITE_OK)
			return fail(s, "prepare", e);
	return true;
}

static const struct store_ops lite_ops = {
    .begin = lite_begin,
    .commit = lite_commit,
    .rollback = lite_rollback,
    .touch = lite_touch,
    .event_add = lite_event_add,
    .event_check = lite_event_check,
    .event_last = lite_event_last,
    .request_add = lite_request_add,
    .request_find = lite_request_find,
    .request_set_open = lite_request_set_open,
    .request_next_open = lite_request_next_open,
    .item_add = lite_item_add,
    .item_forget = lite_item_forget,
    .items = lite_items,
    .chain_put = lite_chain_put,
    .chain_get = lite_chain_get,
    .settle = lite_settle,
    .in_place = lite_in_place,
    .close = lite_close,
};

bool
store_open_sqlite(const char *path, unsigned busy_ms, struct store *ret, struct kd_err *e)
{
	AUTO(lite_close) void *self = NULL;
	struct lite *s = kd_alloc(sizeof(*s));
	struct stat st;

	self = s;
	if (s == NULL || (s->path = kd_strdup(path)) == NULL)
		return kd_fail_nomem(e, "record");
	if (sqlite3_open_v2(path, &s->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_EXRESCODE,
		NULL) != SQLITE_OK)
		return fail(s, "open", e);
	(void)sqlite3_busy_timeout(s->db, (int)busy_ms);
	/* The schema first: a file that is not ours is not even switched to WAL. */
	if (!check_schema(s, e) ||
	    !exec(s,
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA "
		"trusted_schema = OFF",
		e) ||
	    !prepare(s, e))
		return false;
	if (stat(path, &st) != 0)
		return kd_fail_errno(e, KD_E_STORE, errno, "record '%s'", SHOW(path));
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	*ret = (struct store){.ops = &lite_ops, .self = STEAL(self)};
	return true;
}
