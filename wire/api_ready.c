/* SPDX-License-Identifier: Apache-2.0 */
/* wire/api_ready.c - GET /readyz: can it sign, and if not, why not. */
#include "base/mem.h"
#include "wire/api.h"
#include "wire/api_schema.h"

static const char what[] = "the server's readiness";

void
api_ready_clear(struct api_ready *r)
{
	free(r->keys);
	free(r->tokens);
	*r = (struct api_ready){0};
}

static void
encode_key(const struct api_ready_key *k, struct buf *ret)
{
	jw_open(ret);
	jw_str(ret, "name", k->name);
	jw_bool(ret, "ready", k->ready);
	if (k->code[0] != '\0')
		jw_str(ret, "code", k->code);
	if (k->detail[0] != '\0')
		jw_str(ret, "detail", k->detail);
	jw_str(ret, "token", k->token);
	api_put_texts(ret, "warnings", &k->warnings);
	jw_close(ret);
}

static void
encode_token(const struct api_ready_token *t, struct buf *ret)
{
	jw_open(ret);
	jw_str(ret, "signer", t->signer);
	jw_str(ret, "label", t->label);
	jw_str(ret, "serial", t->serial);
	jw_str(ret, "state", t->state);
	if (t->detail[0] != '\0')
		jw_str(ret, "detail", t->detail);
	jw_uint(ret, "sessions", t->sessions);
	jw_uint(ret, "sessions_in_use", t->sessions_in_use);
	jw_uint(ret, "restarts", t->restarts);
	if (t->breaker[0] != '\0')
		jw_str(ret, "breaker", t->breaker);
	jw_close(ret);
}

void
api_ready_encode(const struct api_ready *r, struct buf *ret)
{
	jw_open(ret);
	jw_bool(ret, "ready", r->ready);
	jw_str(ret, "version", r->version);
	jw_str(ret, "separation", r->separation);
	jw_str(ret, "record", r->record);
	if (r->relay[0] != '\0')
		jw_str(ret, "relay", r->relay);
	jw_arr_open(ret, "keys");
	for (size_t i = 0; i < r->keys_n; i++)
		encode_key(&r->keys[i], ret);
	jw_arr_close(ret);
	jw_arr_open(ret, "tokens");
	for (size_t i = 0; i < r->tokens_n; i++)
		encode_token(&r->tokens[i], ret);
	jw_arr_close(ret);
	jw_close(ret);
}

static void
read_key(struct jo o, struct api_ready_key *k)
{
	api_get_text(&o, &api_ready_key_schema, "name", k->name, sizeof(k->name));
	k->ready = jo_bool(&o, "ready");
	api_get_text(&o, &api_ready_key_schema, "code", k->code, sizeof(k->code));
	api_get_text(&o, &api_ready_key_schema, "detail", k->detail, sizeof(k->detail));
	api_get_text(&o, &api_ready_key_schema, "token", k->token, sizeof(k->token));
	api_get_texts(&o, &api_ready_key_schema, "warnings", &k->warnings);
}

static void
read_token(struct jo o, struct api_ready_token *t)
{
	const struct api_object *schema = &api_ready_token_schema;

	api_get_text(&o, schema, "signer", t->signer, sizeof(t->signer));
	api_get_text(&o, schema, "label", t->label, sizeof(t->label));
	api_get_text(&o, schema, "serial", t->serial, sizeof(t->serial));
	api_get_text(&o, schema, "state", t->state, sizeof(t->state));
	api_get_text(&o, schema, "detail", t->detail, sizeof(t->detail));
	t->sessions = (unsigned)api_get_uint(&o, schema, "sessions");
	t->sessions_in_use = (unsigned)api_get_uint(&o, schema, "sessions_in_use");
	t->restarts = (unsigned)api_get_uint(&o, schema, "restarts");
	api_get_text(&o, schema, "breaker", t->breaker, sizeof(t->breaker));
}

static bool
read_tokens(struct jo *o, struct api_ready *r)
{
	struct ja a = api_get_arr(o, &api_ready_schema, "tokens");

	if (o->e->code != KD_OK)
		return false;
	r->tokens = kd_alloc_array(a.n, sizeof(*r->tokens));
	if (r->tokens == NULL)
		return kd_fail_nomem(o->e, what);
	r->tokens_n = a.n;
	for (size_t i = 0; i < a.n; i++)
		read_token(ja_obj(&a, i), &r->tokens[i]);
	return true;
}

static bool
read_keys(struct jo *o, struct api_ready *r)
{
	struct ja a = api_get_arr(o, &api_ready_schema, "keys");

	if (o->e->code != KD_OK)
		return false;
	r->keys = kd_alloc_array(a.n, sizeof(*r->keys));
	if (r->keys == NULL)
		return kd_fail_nomem(o->e, what);
	r->keys_n = a.n;
	for (size_t i = 0; i < a.n; i++)
		read_key(ja_obj(&a, i), &r->keys[i]);
	return true;
}

bool
api_ready_decode(const char *p, size_t n, struct api_ready *ret, struct kd_err *e)
{
	AUTO(api_ready_clear) struct api_ready r = {0};
	AUTO(json_free) struct json *j = NULL;
	struct jo o;

	if (!json_parse(p, n, &j, e))
		return api_answer_bad(what, e);
	o = jo_top(j, e);
	r.ready = jo_bool(&o, "ready");
	api_get_text(&o, &api_ready_schema, "version", r.version, sizeof(r.version));
	api_get_text(
	    &o, &api_ready_schema, "separation", r.separation, sizeof(r.separation));
	api_get_text(&o, &api_ready_schema, "record", r.record, sizeof(r.record));
	api_get_text(&o, &api_ready_schema, "relay", r.relay, sizeof(r.relay));
	if (!read_keys(&o, &r) || !read_tokens(&o, &r) || !api_answer_end(&o))
		return api_answer_bad(what, e);
	*ret = r;
	r = (struct api_ready){0};
	return true;
}
