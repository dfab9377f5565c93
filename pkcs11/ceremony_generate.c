/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_generate.c - "generate": a key born on the token, read back before it
 * counts. */
#include "pkcs11/ceremony_generate.h"

#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/num.h"
#include "base/text.h"
#include "pkcs11/attr.h"
#include "pkcs11/ceremony_facts.h"
#include "pkcs11/ceremony_trial.h"
#include "pkcs11/rv.h"

#define ID_DEFAULT_LEN 8

static bool
has_control(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

bool
generate_order(const struct ceremony *c, struct generate *ret, struct kd_err *e)
{
	const struct ceremony_options *o = c->o;
	struct make_order *m = &ret->order;
	size_t digits = o->id != NULL ? strlen(o->id) : 0;

	*ret = (struct generate){.order.id = ret->id, .order.id_len = ID_DEFAULT_LEN};
	if (o->label == NULL)
		return kd_fail(e, KD_E_USAGE, "what is the new key called? --label NAME");
	if (strlen(o->label) > URI_OBJECT_MAX ||
	    !text_is_utf8(o->label, strlen(o->label)))
		return kd_fail(
		    e, KD_E_USAGE, "--label: at most %d bytes of UTF-8", URI_OBJECT_MAX);
	if (has_control(o->label))
		return kd_fail(e, KD_E_USAGE, "--label '%s': a control character",
		    SHOW(o->label));
	m->label = o->label;
	if (!make_type_find(o->type, &m->type, e))
		return false;
	if (o->id == NULL)
		return getrandom(ret->id, ID_DEFAULT_LEN, 0) == ID_DEFAULT_LEN ||
		       kd_fail(e, KD_E_CRYPTO, "getrandom gave too few bytes");
	m->id_len = digits / 2;
	if (digits % 2 != 0 || m->id_len > sizeof(ret->id))
		return kd_fail(e, KD_E_USAGE, "--id: 2 to %zu hex digits, two a byte",
		    2 * sizeof(ret->id));
	if (!text_unhex(o->id, ret->id, m->id_len, e)) {
		e->code = KD_E_USAGE;
		return kd_in(e, "--id");
	}
	return true;
}

/* Two keys of one label or id would make every later search ambiguous. */
static bool
check_free(const struct ceremony *c, const struct make_order *m, struct kd_err *e)
{
	CK_OBJECT_HANDLE o;
	size_t n = 0;
	CK_ATTRIBUTE by[] = {
	    {CKA_LABEL, (void *)(uintptr_t)m->label, strlen(m->label)},
	    {CKA_ID, (void *)(uintptr_t)m->id, m->id_len},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(by); i++) {
		if (!attr_find(c->token, &by[i], 1, &o, 1, &n, e))
			return false;
		if (n > 0)
			return kd_fail(e, KD_E_KEY,
			    "the token has an object with the %s already",
			    i == 0 ? "label" : "id");
	}
	return true;
}

static bool
destroy_made(struct ceremony *c, const struct made *made, struct kd_err *e)
{
	CK_FUNCTION_LIST *f = token_fns(c->token);
	CK_RV rv = f->C_DestroyObject(c->session, made->private);

	(void)f->C_DestroyObject(c->session, made->public);
	return rv == CKR_OK || rv_fail(e, rv, "C_DestroyObject");
}

/* Read back by the way that the service reads it. */
static bool
read_back(struct ceremony *c, struct generate *g, struct kd_err *e)
{
	AUTO(buf_clear) struct buf wrong = {.max = 2048};
	struct uri u = {.has_id = true, .id_len = g->order.id_len};
	CK_OBJECT_HANDLE handle;
	struct facts f;

	memcpy(u.object, g->order.label, strlen(g->order.label));
	memcpy(u.id, g->order.id, g->order.id_len);
	if (!key_find(c->token, &u, &handle, &g->key, e))
		return kd_in(e, "read back");
	facts_read(c->token, handle, &f);
	for (size_t i = 0; facts_rows[i].name != NULL; i++)
		ceremony_fact(c, facts_rows[i].name, "%s", fact_word(f.v[i]));
	if (facts_wrong(&f, FACT_MUST, &wrong) > 0)
		return kd_fail(e, KD_E_KEY,
		    "the token did not make what was asked for: %s",
		    buf_cstr(&wrong) != NULL ? buf_cstr(&wrong) : "");
	if (g->key.spki_len == 0)
		return kd_fail(e, KD_E_KEY, "the token does not tell the public half");
	if (facts_wrong(&f, FACT_SHOULD, &wrong) > 0 && buf_cstr(&wrong) != NULL) {
		log_line(
		    LOG_L_WARN, "key '%s': %s", SHOW(g->order.label), buf_cstr(&wrong));
		ceremony_fact(c, "warning", "%s", buf_cstr(&wrong));
	}
	ceremony_about(c, g->order.label, g->order.id, g->order.id_len, g->key.spki,
	    g->key.spki_len);
	return true;
}

/*
 * A key that does not sign would be noticed once its certificate is there. So one of the
 * same kind is tried out first, and thrown away: a production key signs no test.
 */
static bool
try_out(struct ceremony *c, struct generate *g, struct kd_err *e)
{
	unsigned known = trial_known(c, g->order.type);
	struct trial t = {.without = known, .in_the_way = known};

	if (!trial_has_room_for_one(c) && !trial_find(c, g->order.type, &t, e))
		return false;
	if (t.end == TRIAL_NOT_OFFERED)
		return kd_fail(e, KD_E_KEY, "the token makes no %s key: %s",
		    g->order.type->shown, t.why);
	if (t.end == TRIAL_BAD)
		return kd_fail(e, KD_E_KEY,
		    "a throw-away %s key, made first, does not sign: %s",
		    g->order.type->shown, t.why);
	g->order.without = t.without;
	g->in_the_way = t.in_the_way & MAKE_DECRYPT;
	ceremony_fact(c, "tried out", "%s",
	    trial_has_room_for_one(c)
		? "no: this module has no room for a throw-away key beside it"
		: "a throw-away key of this kind signs; it was destroyed");
	if (g->in_the_way == 0)
		return true;
	log_line(LOG_L_WARN,
	    "%s keys of this token sign only when they may decrypt, too: CKA_DECRYPT "
	    "stays",
	    g->order.type->shown);
	ceremony_fact(
	    c, "not forbidden", "CKA_DECRYPT: without it such a key does not sign");
	return true;
}

static void
say_without(struct ceremony *c, unsigned without)
{
	AUTO(buf_clear) struct buf names = {.max = 400};

	make_without_names(without, &names);
	if (names.len == 0 || buf_cstr(&names) == NULL)
		return;
	log_line(
	    LOG_L_WARN, "the token refused %s: generated without it", buf_cstr(&names));
	ceremony_fact(c, "refused by the token", "%s", buf_cstr(&names));
}

/* What is not as asked for is destroyed again. The entry has been begun. */
static bool
make(struct ceremony *c, struct generate *g, struct kd_err *e)
{
	struct made made = {0};
	struct kd_err undo = {0};

	if (!try_out(c, g, e) || !make_key(c->token, c->session, &g->order, &made, e))
		return false;
	say_without(c, made.without & ~g->in_the_way);
	if (read_back(c, g, e))
		return true;
	if (destroy_made(c, &made, &undo)) {
		ceremony_fact(c, "undone", "the new key was destroyed");
		return kd_hint(e, "the new key was destroyed again");
	}
	ceremony_fact(c, "undone", "no: %s", undo.msg);
	return kd_hint(e, "destroy it: it could not be by itself (%s)", undo.msg);
}

bool
generate_recorded(struct ceremony *c, struct generate *g, struct kd_err *e)
{
	bool done;

	ceremony_about(c, g->order.label, g->order.id, g->order.id_len, NULL, 0);
	ceremony_fact(c, "type", "%s", g->order.type->shown);
	if (!check_free(c, &g->order, e) || !ceremony_begin(c, e))
		return false;
	done = make(c, g, e);
	return ceremony_end(c, done ? NULL : e, e);
}

void
generate_say_uri(const struct generate *g, struct buf *b)
{
	buf_str(b, "pkcs11:object=");
	for (const char *p = g->order.label; *p != '\0'; p++) {
		/* RFC 3986 unreserved; all else is written in percent form. */
		if (strchr("-._~", *p) != NULL || (*p >= '0' && *p <= '9') ||
		    (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z'))
			buf_u8(b, (uint8_t)*p);
		else
			buf_printf(b, "%%%02X", (unsigned)(uint8_t)*p);
	}
	buf_str(b, ";type=private");
}

bool
generate_say_dry(const struct ceremony *c, const struct generate *g, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};

	/* Without a login only what the token shows to everybody: public halves do. */
	if (!token_begin(c->token, e) || !check_free(c, &g->order, e))
		return false;
	buf_printf(&b, "would generate on token '%s', serial %s:\n",
	    SHOW(token_info(c->token)->label), SHOW(token_info(c->token)->serial));
	make_describe(&g->order, c->o->id == NULL, &b);
	return ceremony_put(&b, e);
}

/* All of the command but its last words. */
static bool
run(struct ceremony *c, struct generate *g, struct kd_err *e)
{
	if (!generate_order(c, g, e))
		return false;
	if (c->o->dry_run)
		return generate_say_dry(c, g, e);
	return ceremony_login(c, e) && generate_recorded(c, g, e);
}

/* What a section of the configuration can be called (base/conf.h). */
static bool
is_name(const char *s)
{
	return strlen(s) <= 64 && strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrs"
					    "tuvwxyz0123456789._-") == strlen(s);
}

bool
ceremony_generate(struct ceremony *c, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};
	struct generate g;

	if (!run(c, &g, e))
		return false;
	if (c->o->dry_run)
		return true;
	buf_printf(&b, "generated %s '%s', id %s, on token '%s', serial %s\n",
	    g.order.type->shown, SHOW(g.order.label), c->entry.key_id,
	    SHOW(token_info(c->token)->label), SHOW(token_info(c->token)->serial));
	buf_printf(&b, "  public key SHA-256 %s\n", c->entry.key_spki_sha256);
	buf_str(&b,
	    "  read back: born on the token, sensitive, never extractable, may sign\n"
	    "  for signer.conf:\n    [key ");
	buf_str(&b, is_name(g.order.label) ? g.order.label : "NAME");
	buf_str(&b, "]\n    uri = ");
	generate_say_uri(&g, &b);
	buf_str(&b, "\n");
	return ceremony_put(&b, e);
}
