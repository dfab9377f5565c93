/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_list.c - "list": what the token is, can do and holds. */
#include "pkcs11/ceremony.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "pkcs11/ceremony_look.h"
#include "pkcs11/ceremony_mech.h"
#include "wire/json.h"

#define TOKENS_MAX 64

static void
put_token(struct buf *b, const struct token_info *i)
{
	buf_printf(b, "token '%s', serial %s, %s %s\n", SHOW(i->label), SHOW(i->serial),
	    SHOW(i->manufacturer), SHOW(i->model));
	if (i->refuse[0] != '\0')
		buf_printf(b, "  %s\n", i->refuse);
	else
		buf_printf(b, "  login: %s%s\n",
		    i->login_required ? "by PIN" : "not needed",
		    i->pin_count_low ? "; a wrong PIN was tried since the last right one"
				     : "");
}

static void
json_token(struct buf *b, const struct token_info *i)
{
	jw_str(b, "label", SHOW(i->label));
	jw_bool(b, "login_required", i->login_required);
	jw_str(b, "manufacturer", SHOW(i->manufacturer));
	jw_str(b, "model", SHOW(i->model));
	jw_bool(b, "pin_count_low", i->pin_count_low);
	jw_str(b, "refuses_login", i->refuse);
	jw_str(b, "serial", SHOW(i->serial));
}

static void
put_mechs(struct buf *b, const struct mech *m, size_t n, bool json)
{
	size_t unnamed = 0;

	if (json)
		jw_arr_open(b, "mechanisms");
	else
		buf_str(b, "  mechanisms that make keys or sign:\n");
	for (size_t i = 0; i < n; i++) {
		const char *name = mech_name(m[i].type);
		bool hardware = (m[i].flags & CKF_HW) != 0;

		if (name == NULL) {
			unnamed++;
		} else if (json) {
			jw_open(b);
			jw_bool(b, "hardware", hardware);
			jw_uint(b, "max", m[i].max);
			jw_uint(b, "min", m[i].min);
			jw_str(b, "name", name);
			jw_close(b);
		} else {
			buf_printf(b, "    %-26s keys of %lu to %lu%s\n", name, m[i].min,
			    m[i].max, hardware ? ", in hardware" : "");
		}
	}
	if (json) {
		jw_arr_close(b);
		jw_uint(b, "mechanisms_other", unnamed);
	} else if (unnamed > 0) {
		buf_printf(b, "    and %zu others\n", unnamed);
	}
}

static void
put_key(struct buf *b, const struct look_key *k)
{
	char type[16] = "another kind";

	if (k->k.bits != 0)
		look_type(&k->k, type);
	buf_printf(b, "  key '%s', id %s, %s\n", k->label,
	    k->id[0] != '\0' ? k->id : "(none)", type);
	if (k->spki_sha256[0] != '\0')
		buf_printf(b, "    public key SHA-256 %s\n", k->spki_sha256);
	if (k->unusable.code != KD_OK)
		buf_printf(b, "    the service cannot use it: %s\n", k->unusable.msg);
	buf_str(b, "    custody: ");
	if (facts_wrong(&k->facts, FACT_MUST, NULL) == 0)
		buf_str(b, "born on the token, sensitive, never extractable");
	else
		(void)facts_wrong(&k->facts, FACT_MUST, b);
	buf_str(b, "\n");
	if (facts_wrong(&k->facts, FACT_SHOULD, NULL) > 0) {
		buf_str(b, "    besides: ");
		(void)facts_wrong(&k->facts, FACT_SHOULD, b);
		buf_str(b, "\n");
	}
}

static void
json_key(struct buf *b, const struct look_key *k)
{
	char type[16] = "";

	if (k->k.bits != 0)
		look_type(&k->k, type);
	jw_open(b);
	facts_put_json(&k->facts, b);
	jw_bool(b, "custody_good", facts_wrong(&k->facts, FACT_MUST, NULL) == 0);
	jw_str(b, "id", k->id);
	jw_str(b, "label", k->label);
	jw_str(b, "spki_sha256", k->spki_sha256);
	jw_str(b, "type", type);
	jw_str(b, "unusable", k->unusable.msg);
	jw_close(b);
}

static void
put_cert(struct buf *b, const struct look_cert *c, bool json)
{
	if (!json) {
		buf_printf(b,
		    "  certificate '%s', id %s%s: %s\n    issued by %s, until %s\n",
		    c->label, c->id[0] != '\0' ? c->id : "(none)",
		    c->made ? ", made by the module" : "", c->subject, c->issuer,
		    c->until);
		return;
	}
	jw_open(b);
	jw_str(b, "id", c->id);
	jw_str(b, "issuer", c->issuer);
	jw_str(b, "label", c->label);
	jw_bool(b, "made_by_module", c->made);
	jw_str(b, "not_after", c->until);
	jw_str(b, "sha256", c->sha256);
	jw_str(b, "spki_sha256", c->spki_sha256);
	jw_str(b, "subject", c->subject);
	jw_close(b);
}

static bool
put_keys(struct ceremony *c, struct buf *b, struct kd_err *e)
{
	AUTO(free) struct look_key *k = kd_alloc(sizeof(*k));
	CK_OBJECT_HANDLE o[LOOK_MAX];
	size_t n;

	if (k == NULL)
		return kd_fail_nomem(e, "key");
	if (!look_find(c->token, CKO_PRIVATE_KEY, o, &n, e))
		return false;
	if (c->o->json)
		jw_arr_open(b, "keys");
	for (size_t i = 0; i < n; i++) {
		look_key(c->token, o[i], k);
		if (c->o->json)
			json_key(b, k);
		else
			put_key(b, k);
	}
	if (c->o->json)
		jw_arr_close(b);
	else if (n == 0)
		buf_str(b, "  no private key\n");
	return true;
}

static bool
put_certs(struct ceremony *c, struct buf *b, struct kd_err *e)
{
	CK_OBJECT_HANDLE o[LOOK_MAX];
	size_t n;

	if (!look_find(c->token, CKO_CERTIFICATE, o, &n, e))
		return false;
	if (c->o->json)
		jw_arr_open(b, "certificates");
	for (size_t i = 0; i < n; i++) {
		AUTO(look_cert_clear) struct look_cert cert = {0};

		if (look_cert(c->token, o[i], &cert))
			put_cert(b, &cert, c->o->json);
	}
	if (c->o->json)
		jw_arr_close(b);
	return true;
}

static bool
put_whole(struct ceremony *c, bool login, struct buf *b, struct kd_err *e)
{
	AUTO(free) struct mech *m = kd_alloc_array(MECHS_MAX, sizeof(*m));
	size_t n;

	if (m == NULL)
		return kd_fail_nomem(e, "mechanisms");
	if (!(login ? ceremony_login(c, e) : token_login(c->token, NULL, e)) ||
	    !mech_list(c->token, m, &n, e))
		return false;
	if (c->o->json)
		json_token(b, token_info(c->token));
	else
		put_token(b, token_info(c->token));
	put_mechs(b, m, n, c->o->json);
	if (!login && !c->o->json)
		buf_str(b, "  (without login: private keys are not shown)\n");
	return (!login || put_keys(c, b, e)) && put_certs(c, b, e);
}

static bool
list_one(struct ceremony *c, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};
	bool login = !c->o->no_login && !c->o->dry_run;

	if (c->o->json) {
		jw_open(&b);
		jw_arr_open(&b, "tokens");
		jw_open(&b);
	}
	if (!put_whole(c, login, &b, e))
		return false;
	if (c->o->json) {
		jw_close(&b);
		jw_arr_close(&b);
		jw_close(&b);
		buf_str(&b, "\n");
	}
	return ceremony_put(&b, e);
}

static bool
list_all(const struct ceremony *c, const struct token_info *i, size_t n, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};

	if (c->o->json) {
		jw_open(&b);
		jw_arr_open(&b, "tokens");
	}
	for (size_t k = 0; k < n; k++) {
		if (c->o->json) {
			jw_open(&b);
			json_token(&b, &i[k]);
			jw_close(&b);
		} else {
			put_token(&b, &i[k]);
		}
	}
	if (c->o->json) {
		jw_arr_close(&b);
		jw_close(&b);
		buf_str(&b, "\n");
	} else if (n == 0) {
		buf_str(&b, "no initialised token\n");
	} else {
		buf_str(&b, "--token 'pkcs11:serial=...' shows what one of them holds\n");
	}
	return ceremony_put(&b, e);
}

bool
ceremony_list(struct ceremony *c, struct kd_err *e)
{
	AUTO(free)
	struct token_info *all = kd_alloc_array(TOKENS_MAX, sizeof(*all));
	enum token_state why;
	size_t n = 0;

	if (all == NULL)
		return kd_fail_nomem(e, "tokens");
	if (c->o->config == NULL && c->o->token == NULL) {
		if (!token_each(c->module, all, TOKENS_MAX, &n, e))
			return false;
		if (n != 1)
			return list_all(c, all, n, e);
	}
	return token_open(c->module, &c->want, &c->token, &why, e) && list_one(c, e);
}
