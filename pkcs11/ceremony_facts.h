/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_facts.h - the attributes of a private key that custody is about. */
#ifndef KD_PKCS11_CEREMONY_FACTS_H
#define KD_PKCS11_CEREMONY_FACTS_H
#include "base/builder.h"
#include "pkcs11/token.h"

enum fact_value { FACT_NO, FACT_YES, FACT_UNTOLD };
enum fact_weight {
	FACT_MUST,  /* without it the key is not one to sign with */
	FACT_SHOULD /* a use too many: shown, warned of */
};

struct fact {
	CK_ATTRIBUTE_TYPE type;
	const char *name; /* "CKA_SENSITIVE" */
	bool want;
	enum fact_weight weight;
	const char *wrong; /* what it means when it is otherwise */
};

/* Ends with a row whose name is NULL. */
extern const struct fact facts_rows[];
#define FACTS_MAX 16

struct facts {
	enum fact_value v[FACTS_MAX]; /* in the order of the rows */
};
void facts_read(const struct token *t, CK_OBJECT_HANDLE key, struct facts *ret);
/* The number of rows of that weight that are not as wanted; with ret their sentences,
 * "; " between. What a token does not tell counts as wrong, but for uses (FACT_SHOULD) that
 * it does not know. */
size_t facts_wrong(const struct facts *f, enum fact_weight weight, struct buf *ret);
/* The member "attributes": by name true, false, or null where the token does not tell. */
void facts_put_json(const struct facts *f, struct buf *b);
const char *fact_word(enum fact_value v); /* "yes", "no", "not told" */
#endif
