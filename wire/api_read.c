/* SPDX-License-Identifier: Apache-2.0 */
/* wire/api_read.c - reads a member as its row in the tables says. */
#include <assert.h>
#include <string.h>

#include "base/builder.h"
#include "base/text.h"
#include "wire/api.h"
#include "wire/api_schema.h"

#define HEX_CHARS "0123456789abcdefABCDEF"

const struct api_member *
api_member(const struct api_object *schema, const char *name)
{
	const struct api_member *m = schema->members;

	while (m->name != NULL && strcmp(m->name, name) != 0)
		m++;
	assert(m->name != NULL);
	return m;
}

const char *
api_get_str(struct jo *o, const struct api_object *schema, const char *name)
{
	const struct api_member *m = api_member(schema, name);

	assert(m->type == API_STRING || m->type == API_CODE);
	if (m->optional && !jo_has(o, name))
		return NULL;
	return jo_str(o, name, m->min, m->max);
}

void
api_get_text(struct jo *o, const struct api_object *schema, const char *name, char *dst,
    size_t dst_len)
{
	const char *s = api_get_str(o, schema, name);
	size_t n = s == NULL ? 0 : strlen(s);

	assert(api_member(schema, name)->max < dst_len);
	if (n != 0)
		memcpy(dst, s, n);
	dst[n] = '\0';
}

uint64_t
api_get_uint(struct jo *o, const struct api_object *schema, const char *name)
{
	const struct api_member *m = api_member(schema, name);

	assert(m->type == API_INTEGER);
	if (m->optional && !jo_has(o, name))
		return 0;
	return jo_uint(o, name, m->min, m->max);
}

struct ja
api_get_arr(struct jo *o, const struct api_object *schema, const char *name)
{
	const struct api_member *m = api_member(schema, name);
	struct ja a = {0};

	assert(m->type == API_ARRAY);
	if (m->optional && !jo_has(o, name))
		return a;
	a = jo_arr(o, name, 0, SIZE_MAX);
	if (o->obj == NULL || (a.n >= m->min && a.n <= m->max))
		return a;
	if (a.n < m->min)
		jo_bad(o, name, "%zu elements, at least %llu needed", a.n,
		    (unsigned long long)m->min);
	else
		kd_fail(o->e, KD_E_TOO_LARGE, "%s: %zu elements, at most %llu allowed",
		    a.path, a.n, (unsigned long long)m->max);
	a.n = 0;
	return a;
}

void
api_get_texts(struct jo *o, const struct api_object *schema, const char *name,
    struct api_texts *ret)
{
	struct ja a = api_get_arr(o, schema, name);

	assert(api_member(schema, name)->max <= API_TEXTS_MAX);
	ret->n = 0;
	for (size_t i = 0; i < a.n && i < API_TEXTS_MAX; i++) {
		const char *s = ja_str(&a, i, API_TEXT_MAX);

		memcpy(ret->v[ret->n++], s, strlen(s) + 1);
	}
}

void
api_put_texts(struct buf *b, const char *name, const struct api_texts *t)
{
	jw_arr_open(b, name);
	for (size_t i = 0; i < t->n; i++)
		jw_str(b, NULL, t->v[i]);
	jw_arr_close(b);
}

const char *
api_get_base64(struct jo *o, const struct api_object *schema, const char *name)
{
	const struct api_member *m = api_member(schema, name);
	const char *s = NULL;
	size_t n;

	if (!m->optional || jo_has(o, name))
		s = jo_str(o, name, 0, SIZE_MAX); /* an empty one fails as base64 */
	n = s == NULL ? 0 : strlen(s);
	if (n <= m->max)
		return s;
	kd_fail(o->e, KD_E_TOO_LARGE, "%s.%s: %zu characters, at most %llu allowed",
	    o->path, name, n, (unsigned long long)m->max);
	return "";
}

bool
api_get_bytes(const struct jo *o, const char *name, const char *base64, size_t max,
    uint8_t **ret, size_t *ret_len)
{
	AUTO(buf_clear) struct buf b = {.max = max};
	struct kd_err why = {0};

	if (!text_unbase64(base64, strlen(base64), &b, &why)) {
		if (why.code == KD_E_NOMEM)
			return kd_fail_nomem(o->e, name);
		if (why.code == KD_E_TOO_LARGE)
			return kd_fail(o->e, KD_E_TOO_LARGE,
			    "%s.%s: more than %zu bytes", o->path, name, max);
		return jo_bad(o, name, "%s", why.msg);
	}
	if (b.len == 0)
		return jo_bad(o, name, "is empty");
	*ret = buf_take(&b, ret_len);
	return true;
}

void
api_get_digest(struct jo *o, const struct api_object *schema, enum md *ret_md,
    uint8_t ret[MD_LEN_MAX])
{
	const struct api_member *m_alg = api_member(schema, "digest_algorithm");
	const struct api_member *m_hex = api_member(schema, "digest");
	const char *alg = jo_str(o, m_alg->name, m_alg->min, m_alg->max);
	const char *hex = jo_str(o, m_hex->name, m_hex->min, m_hex->max);
	enum md md = md_by_name(alg);
	size_t need = 2 * md_len(md), have = strlen(hex), good = strspn(hex, HEX_CHARS);
	struct kd_err why = {0};
	char bad[8];

	if (o->e->code != KD_OK)
		return;
	if (md == MD_NONE || strcmp(md_name(md), alg) != 0)
		jo_bad(o, "digest_algorithm",
		    "must be sha1, sha256, sha384 or sha512, is '%s'", SHOW(alg));
	else if (good != have)
		jo_bad(o, "digest", "has '%s' at place %zu, which is no hex digit",
		    text_show(bad, sizeof(bad), &hex[good], 1), good + 1);
	else if (have != need)
		jo_bad(
		    o, "digest", "needs %zu hex digits for %s, has %zu", need, alg, have);
	else if (!text_unhex(hex, ret, md_len(md), &why))
		jo_bad(o, "digest", "%s", why.msg);
	*ret_md = md;
}

bool
api_answer_bad(const char *what, struct kd_err *e)
{
	if (e->code == KD_E_REQUEST || e->code == KD_E_TOO_LARGE)
		e->code = KD_E_PROTOCOL;
	return kd_in(e, "%s", what);
}

bool
api_answer_end(struct jo *o)
{
	jo_ignore_rest(o);
	return jo_end(o);
}
