/* SPDX-License-Identifier: Apache-2.0 */
/* wire/api_answer.c - what became of each item of a request to sign. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "wire/api.h"
#include "wire/api_schema.h"

static const char what[] = "the server's answer";

static const char *
status_name(enum api_status s)
{
	switch (s) {
	case API_SIGNED:
		return "signed";
	case API_REFUSED:
		return "refused";
	case API_FAILED:
		return "failed";
	case API_PENDING:
		return "pending";
	}
	return "unknown";
}

static void
item_answer_clear(struct api_item_answer *it)
{
	free(it->detail);
	free(it->cms);
}

void
api_sign_answer_clear(struct api_sign_answer *a)
{
	for (size_t i = 0; i < a->items_n; i++)
		item_answer_clear(&a->items[i]);
	free(a->items);
	*a = (struct api_sign_answer){0};
}

static void
encode_item_answer(const struct api_item_answer *it, struct buf *ret)
{
	jw_open(ret);
	jw_str(ret, "status", status_name(it->status));
	if (it->status == API_SIGNED) {
		jw_base64(ret, "cms", it->cms, it->cms_len);
	} else if (it->status != API_PENDING) {
		jw_open_member(ret, "error");
		jw_str(ret, "code", kd_code_info(it->code)->name);
		jw_str(ret, "detail", it->detail == NULL ? "" : it->detail);
		jw_close(ret);
	}
	jw_close(ret);
}

void
api_sign_answer_encode(const struct api_sign_answer *a, struct buf *ret)
{
	jw_open(ret);
	jw_str(ret, "id", a->id);
	jw_str(ret, "key", a->key);
	jw_arr_open(ret, "items");
	for (size_t i = 0; i < a->items_n; i++)
		encode_item_answer(&a->items[i], ret);
	jw_arr_close(ret);
	jw_close(ret);
}

static enum api_status
status_by_name(const char *name)
{
	for (enum api_status s = API_SIGNED; s <= API_PENDING; s++)
		if (strcmp(status_name(s), name) == 0)
			return s;
	return (enum api_status)0;
}

static bool
read_cms(struct jo *o, struct api_item_answer *it)
{
	const char *base64 = api_get_str(o, &api_item_answer_schema, "cms");

	if (base64 == NULL)
		return jo_bad(o, "cms", "missing, though the item is signed");
	if (o->e->code != KD_OK)
		return false;
	return api_get_bytes(o, "cms", base64, API_CMS_MAX, &it->cms, &it->cms_len);
}

static bool
read_item_error(struct jo *o, struct api_item_answer *it)
{
	struct jo error = jo_obj(o, "error");
	const char *code = api_get_str(&error, &api_item_error_schema, "code");
	const char *detail = api_get_str(&error, &api_item_error_schema, "detail");

	if (!api_answer_end(&error))
		return false;
	it->code = api_code_by_name(code);
	it->detail = kd_strdup(detail);
	return it->detail != NULL || kd_fail_nomem(o->e, what);
}

static bool
read_item_answer(struct jo o, struct api_item_answer *it)
{
	const char *status = api_get_str(&o, &api_item_answer_schema, "status");

	it->status = status_by_name(status);
	switch (it->status) {
	case API_SIGNED:
		return read_cms(&o, it);
	case API_REFUSED:
	case API_FAILED:
		return read_item_error(&o, it);
	case API_PENDING:
		return o.e->code == KD_OK;
	}
	return jo_bad(&o, "status", "must be signed, refused, failed or pending, is '%s'",
	    SHOW(status));
}

static bool
read_items(struct jo *o, struct api_sign_answer *a)
{
	struct ja items = api_get_arr(o, &api_sign_answer_schema, "items");

	if (o->e->code != KD_OK)
		return false;
	a->items = kd_alloc_array(items.n, sizeof(*a->items));
	if (a->items == NULL)
		return kd_fail_nomem(o->e, what);
	a->items_n = items.n;
	for (size_t i = 0; i < items.n; i++)
		if (!read_item_answer(ja_obj(&items, i), &a->items[i]))
			return false;
	return true;
}

bool
api_sign_answer_decode(
    const char *p, size_t n, struct api_sign_answer *ret, struct kd_err *e)
{
	AUTO(api_sign_answer_clear) struct api_sign_answer a = {0};
	AUTO(json_free) struct json *j = NULL;
	struct jo o;

	if (!json_parse(p, n, &j, e))
		return api_answer_bad(what, e);
	o = jo_top(j, e);
	api_get_text(&o, &api_sign_answer_schema, "id", a.id, sizeof(a.id));
	api_get_text(&o, &api_sign_answer_schema, "key", a.key, sizeof(a.key));
	if (!read_items(&o, &a) || !api_answer_end(&o))
		return api_answer_bad(what, e);
	*ret = a;
	a = (struct api_sign_answer){0};
	return true;
}
