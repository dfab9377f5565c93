/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_facts.c - the attributes of a private key that custody is about. */
#include "pkcs11/ceremony_facts.h"

#include "pkcs11/attr.h"
#include "wire/json.h"

/* PKCS #11 3.1 "Private key objects" and "Storage objects". */
const struct fact facts_rows[] = {
    {CKA_TOKEN, "CKA_TOKEN", true, FACT_MUST, "it is gone with the session"},
    {CKA_PRIVATE, "CKA_PRIVATE", true, FACT_MUST, "it is usable without the PIN"},
    {CKA_LOCAL, "CKA_LOCAL", true, FACT_MUST, "it was not generated on the token"},
    {CKA_SENSITIVE, "CKA_SENSITIVE", true, FACT_MUST, "its value can be read"},
    {CKA_ALWAYS_SENSITIVE, "CKA_ALWAYS_SENSITIVE", true, FACT_MUST,
	"its value could once be read"},
    {CKA_EXTRACTABLE, "CKA_EXTRACTABLE", false, FACT_MUST, "it can leave the token"},
    {CKA_NEVER_EXTRACTABLE, "CKA_NEVER_EXTRACTABLE", true, FACT_MUST,
	"it could once leave the token"},
    {CKA_SIGN, "CKA_SIGN", true, FACT_MUST, "it may not sign"},
    {CKA_ALWAYS_AUTHENTICATE, "CKA_ALWAYS_AUTHENTICATE", false, FACT_SHOULD,
	"it asks for the PIN at each signature, which a service cannot give"},
    {CKA_DECRYPT, "CKA_DECRYPT", false, FACT_SHOULD, "it may decrypt, too"},
    {CKA_UNWRAP, "CKA_UNWRAP", false, FACT_SHOULD, "it may unwrap other keys, too"},
    {CKA_DERIVE, "CKA_DERIVE", false, FACT_SHOULD, "other keys may be derived from it"},
    {CKA_SIGN_RECOVER, "CKA_SIGN_RECOVER", false, FACT_SHOULD,
	"it may sign with message recovery, too"},
    {CKA_MODIFIABLE, "CKA_MODIFIABLE", false, FACT_SHOULD,
	"its attributes can be changed"},
    {.name = NULL},
};

void
facts_read(const struct token *t, CK_OBJECT_HANDLE key, struct facts *ret)
{
	*ret = (struct facts){0};
	for (size_t i = 0; facts_rows[i].name != NULL; i++) {
		bool no = attr_bool(t, key, facts_rows[i].type, false);
		bool yes = attr_bool(t, key, facts_rows[i].type, true);

		ret->v[i] = no != yes ? FACT_UNTOLD : yes ? FACT_YES : FACT_NO;
	}
}

static bool
is_good(const struct facts *f, size_t i)
{
	if (f->v[i] == FACT_UNTOLD)
		return facts_rows[i].weight == FACT_SHOULD;
	return (f->v[i] == FACT_YES) == facts_rows[i].want;
}

size_t
facts_wrong(const struct facts *f, enum fact_weight weight, struct buf *ret)
{
	size_t n = 0;

	for (size_t i = 0; facts_rows[i].name != NULL; i++) {
		if (facts_rows[i].weight != weight || is_good(f, i))
			continue;
		if (ret != NULL)
			buf_printf(ret, "%s%s (%s: %s)", n > 0 ? "; " : "",
			    facts_rows[i].wrong, facts_rows[i].name, fact_word(f->v[i]));
		n++;
	}
	return n;
}

void
facts_put_json(const struct facts *f, struct buf *b)
{
	jw_open_member(b, "attributes");
	for (size_t i = 0; facts_rows[i].name != NULL; i++) {
		if (f->v[i] == FACT_UNTOLD)
			jw_null(b, facts_rows[i].name);
		else
			jw_bool(b, facts_rows[i].name, f->v[i] == FACT_YES);
	}
	jw_close(b);
}

const char *
fact_word(enum fact_value v)
{
	switch (v) {
	case FACT_YES:
		return "yes";
	case FACT_NO:
		return "no";
	case FACT_UNTOLD:
		break;
	}
	return "not told";
}
