/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/store_sql.h - the SQL that store_sqlite.c runs. */
#ifndef KD_KEEPER_STORE_SQL_H
#define KD_KEEPER_STORE_SQL_H
#include "daemon/keeper/store.h"

enum statement {
	ST_BEGIN,
	ST_COMMIT,
	ST_ROLLBACK,
	ST_TOUCH,
	ST_EVENT_ADD,
	ST_EVENT_CHECK,
	ST_EVENT_LAST,
	ST_EVENT_NUMBER,
	ST_REQUEST_ADD,
	ST_REQUEST_FIND,
	ST_REQUEST_NEXT_OPEN,
	ST_OPEN,
	ST_SHUT,
	ST_ITEM_ADD,
	ST_ITEM_FORGET,
	ST_ITEMS,
	ST_CHAIN_PUT,
	ST_CHAIN_GET,
	ST_N
};
extern const char *const store_sql[ST_N];

/*
 * store_migrations[v] makes version v + 1 of version v. Never edited once released, only
 * added to.
 */
extern const char *const store_migrations[STORE_SCHEMA];
#endif
