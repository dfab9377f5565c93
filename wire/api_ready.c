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
	jw_arr_open(ret, "keys");
	for (size_t i = 0; i < r->keys_n; i++)
		encode_key(&r->keys[i], ret);
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
	if (!read_keys(&o, &r) || !api_answer_end(&o))
		return api_answer_bad(what, e);
	*ret = r;
	r = (struct api_ready){0};
	return true;
}
