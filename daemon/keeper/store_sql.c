/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/store_sql.c - the record's tables, and the statements over them. */
#include "daemon/keeper/store_sql.h"

const char *const store_sql[ST_N] = {
    [ST_BEGIN] = "BEGIN IMMEDIATE",
    [ST_COMMIT] = "COMMIT",
    [ST_ROLLBACK] = "ROLLBACK",
    [ST_TOUCH] = "INSERT OR REPLACE INTO touch(one, n) SELECT 1, coalesce(max(n), 0) + 1 "
		 "FROM touch",
    [ST_EVENT_ADD] = "INSERT INTO event(seq, json) VALUES (?, ?)",
    [ST_EVENT_CHECK] =
	"SELECT count(*), coalesce(min(seq), 1), coalesce(max(seq), 0) FROM event",
    [ST_EVENT_LAST] = "SELECT coalesce(max(seq), 0) FROM event",
    /* Rows renumbered to hide a gap still carry their number inside. */
    [ST_EVENT_NUMBER] = "SELECT seq FROM event WHERE seq > ? AND json_extract(json, "
			"'$.seq') IS NOT seq LIMIT 1",
    [ST_REQUEST_ADD] = "INSERT INTO request(no, id, client, content, key, items) VALUES "
		       "(?, ?, ?, ?, ?, ?) "
		       "ON CONFLICT (id) DO NOTHING",
    [ST_REQUEST_FIND] =
	"SELECT no, id, client, content, key, items FROM request WHERE id = ?",
    [ST_REQUEST_NEXT_OPEN] = "SELECT no, id, client, content, key, items FROM request "
			     "WHERE no = (SELECT min(request) FROM open)",
    [ST_OPEN] = "INSERT OR IGNORE INTO open(request) VALUES (?)",
    [ST_SHUT] = "DELETE FROM open WHERE request = ?",
    [ST_ITEM_ADD] = "INSERT INTO item(at, status, final, code, detail, md, chain, "
		    "content, attrs, signature) "
		    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (at) DO NOTHING",
    [ST_ITEM_FORGET] = "DELETE FROM item WHERE at = ? AND final = 0",
    [ST_ITEMS] = "SELECT at, status, final, code, detail, md, chain, content, attrs, "
		 "signature FROM item "
		 "WHERE at BETWEEN ? AND ? ORDER BY at",
    [ST_CHAIN_PUT] = "INSERT INTO chain(sha256, der) VALUES (?, ?) ON CONFLICT (sha256) "
		     "DO UPDATE SET sha256 = excluded.sha256 RETURNING no",
    [ST_CHAIN_GET] = "SELECT der FROM chain WHERE no = ?",
};

const char *const store_migrations[STORE_SCHEMA] = {
    "CREATE TABLE event(seq INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT;"
    "CREATE TRIGGER event_kept BEFORE DELETE ON event BEGIN SELECT raise(ABORT, 'events "
    "are kept'); END;"
    "CREATE TRIGGER event_fixed BEFORE UPDATE ON event BEGIN SELECT raise(ABORT, 'events "
    "are fixed'); END;"
    "CREATE TABLE request(no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, client BLOB "
    "NOT NULL,"
    " content BLOB NOT NULL, key TEXT NOT NULL, items INTEGER NOT NULL) STRICT;"
    "CREATE TABLE open(request INTEGER PRIMARY KEY) STRICT;"
    "CREATE TABLE item(at INTEGER PRIMARY KEY, status INTEGER NOT NULL, final INTEGER "
    "NOT NULL,"
    " code TEXT NOT NULL, detail TEXT NOT NULL, md INTEGER NOT NULL, chain INTEGER NOT "
    "NULL,"
    " content BLOB, attrs BLOB, signature BLOB) STRICT;"
    "CREATE TABLE chain(no INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, der BLOB "
    "NOT NULL) STRICT;"
    "CREATE TABLE touch(one INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT;",
};
