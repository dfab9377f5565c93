/* SPDX-License-Identifier: Apache-2.0 */
/* wire/api_key.c - GET /v1/keys: the keys that the caller may use. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "wire/api.h"
#include "wire/api_schema.h"

static const char what[] = "the server's list of keys";

void
api_key_clear(struct api_key *k)
{
	for (size_t i = 0; i < k->certificates_n; i++)
		free(k->certificates[i].der);
	free(k->certificates);
	*k = (struct api_key){0};
}

void
api_keys_clear(struct api_keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		api_key_clear(&k->v[i]);
	free(k->v);
	*k = (struct api_keys){0};
}

/* "sha256 sha384" as ["sha256","sha384"]. */
static void
encode_words(struct buf *ret, const char *name, const char *words)
{
	jw_arr_open(ret, name);
	for (size_t n; *words != '\0'; words += n) {
		words += strspn(words, " ");
		n = strcspn(words, " ");
		if (n != 0)
			jw_strn(ret, NULL, words, n);
	}
	jw_arr_close(ret);
}

static void
encode_custody(const struct api_key *k, struct buf *ret)
{
	jw_open_member(ret, "custody");
	jw_bool(ret, "sensitive", k->sensitive);
	jw_bool(ret, "extractable", k->extractable);
	jw_bool(ret, "always_sensitive", k->always_sensitive);
	jw_bool(ret, "never_extractable", k->never_extractable);
	jw_bool(ret, "local", k->local);
	jw_bool(ret, "known", k->known);
	encode_words(ret, "relaxed", k->relaxed);
	encode_words(ret, "also", k->uses);
	jw_close(ret);
}

void
api_key_encode(const struct api_key *k, struct buf *ret)
{
	jw_open(ret);
	jw_str(ret, "name", k->name);
	jw_str(ret, "algorithm", k->algorithm);
	jw_uint(ret, "bits", k->bits);
	jw_str(ret, "subject", k->subject);
	jw_str(ret, "not_before", k->not_before);
	jw_str(ret, "not_after", k->not_after);
	jw_hex(ret, "thumbprint_sha1", k->sha1, sizeof(k->sha1));
	jw_hex(ret, "thumbprint_sha256", k->sha256, sizeof(k->sha256));
	jw_bool(ret, "ready", k->ready);
	if (k->detail[0] != '\0')
		jw_str(ret, "detail", k->detail);
	encode_custody(k, ret);
	encode_words(ret, "kinds", k->kinds);
	encode_words(ret, "digest_algorithms", k->digests);
	api_put_texts(ret, "tokens", &k->tokens);
	api_put_texts(ret, "warnings", &k->warnings);
	jw_arr_open(ret, "certificates");
	for (size_t i = 0; i < k->certificates_n; i++)
		jw_base64(ret, NULL, k->certificates[i].der, k->certificates[i].len);
	jw_arr_close(ret);
	jw_close(ret);
}

void
api_keys_encode(const struct api_keys *k, struct buf *ret)
{
	jw_open(ret);
	jw_arr_open(ret, "keys");
	for (size_t i = 0; i < k->n; i++)
		api_key_encode(&k->v[i], ret);
	jw_arr_close(ret);
	jw_close(ret);
}

static void
read_thumbprint(struct jo *o, const char *name, uint8_t *dst, size_t n)
{
	const char *hex = api_get_str(o, &api_key_schema, name);
	struct kd_err why = {0};

	if (o->e->code == KD_OK && !text_unhex(hex, dst, n, &why))
		jo_bad(o, name, "%s", why.msg);
}

static void
read_words(struct jo *o, const struct api_object *schema, const char *name, char *dst,
    size_t dst_len)
{
	struct ja a = api_get_arr(o, schema, name);
	size_t at = 0;

	for (size_t i = 0; i < a.n; i++) {
		const char *word = ja_str(&a, i, dst_len - 1);
		size_t n = strlen(word);

		if (n + 2 > dst_len - at) {
			jo_bad(o, name, "more than %zu bytes of words", dst_len - 1);
			return;
		}
		if (at != 0)
			dst[at++] = ' ';
		memcpy(&dst[at], word, n + 1);
		at += n;
	}
}

static void
read_custody(struct jo *o, struct api_key *k)
{
	struct jo c = jo_obj(o, "custody");

	k->sensitive = jo_bool(&c, "sensitive");
	k->extractable = jo_bool(&c, "extractable");
	k->always_sensitive = jo_bool(&c, "always_sensitive");
	k->never_extractable = jo_bool(&c, "never_extractable");
	k->local = jo_bool(&c, "local");
	k->known = jo_bool_opt(&c, "known", true);
	read_words(&c, &api_custody_schema, "relaxed", k->relaxed, sizeof(k->relaxed));
	read_words(&c, &api_custody_schema, "also", k->uses, sizeof(k->uses));
}

static bool
read_certificates(struct jo *o, struct api_key *k)
{
	struct ja a = api_get_arr(o, &api_key_schema, "certificates");

	if (o->e->code != KD_OK)
		return false;
	k->certificates = kd_alloc_array(a.n, sizeof(*k->certificates));
	if (k->certificates == NULL)
		return kd_fail_nomem(o->e, what);
	k->certificates_n = a.n;
	for (size_t i = 0; i < a.n; i++) {
		const char *base64 = ja_str(&a, i, 2 * API_CERTIFICATE_MAX);

		if (o->e->code != KD_OK ||
		    !api_get_bytes(o, "certificates", base64, API_CERTIFICATE_MAX,
			&k->certificates[i].der, &k->certificates[i].len))
			return false;
	}
	return true;
}

/* Into k, which the caller clears, also after a failure. */
static bool
read_key(struct jo o, struct api_key *k)
{
	api_get_text(&o, &api_key_schema, "name", k->name, sizeof(k->name));
	api_get_text(
	    &o, &api_key_schema, "algorithm", k->algorithm, sizeof(k->algorithm));
	k->bits = (unsigned)api_get_uint(&o, &api_key_schema, "bits");
	api_get_text(&o, &api_key_schema, "subject", k->subject, sizeof(k->subject));
	api_get_text(
	    &o, &api_key_schema, "not_before", k->not_before, sizeof(k->not_before));
	api_get_text(
	    &o, &api_key_schema, "not_after", k->not_after, sizeof(k->not_after));
	read_thumbprint(&o, "thumbprint_sha1", k->sha1, sizeof(k->sha1));
	read_thumbprint(&o, "thumbprint_sha256", k->sha256, sizeof(k->sha256));
	k->ready = jo_bool(&o, "ready");
	api_get_text(&o, &api_key_schema, "detail", k->detail, sizeof(k->detail));
	read_custody(&o, k);
	read_words(&o, &api_key_schema, "kinds", k->kinds, sizeof(k->kinds));
	read_words(
	    &o, &api_key_schema, "digest_algorithms", k->digests, sizeof(k->digests));
	api_get_texts(&o, &api_key_schema, "tokens", &k->tokens);
	api_get_texts(&o, &api_key_schema, "warnings", &k->warnings);
	return read_certificates(&o, k) && api_answer_end(&o);
}

bool
api_key_decode(const char *p, size_t n, struct api_key *ret, struct kd_err *e)
{
	AUTO(json_free) struct json *j = NULL;
	struct api_key k = {0};

	if (!json_parse(p, n, &j, e))
		return api_answer_bad(what, e);
	if (!read_key(jo_top(j, e), &k)) {
		api_key_clear(&k);
		return api_answer_bad(what, e);
	}
	*ret = k;
	return true;
}

static bool
read_keys(struct jo *o, struct api_keys *keys)
{
	struct ja a = api_get_arr(o, &api_keys_schema, "keys");

	if (o->e->code != KD_OK)
		return false;
	keys->v = kd_alloc_array(a.n, sizeof(*keys->v));
	if (keys->v == NULL)
		return kd_fail_nomem(o->e, what);
	keys->n = a.n;
	for (size_t i = 0; i < a.n; i++)
		if (!read_key(ja_obj(&a, i), &keys->v[i]))
			return false;
	return true;
}

bool
api_keys_decode(const char *p, size_t n, struct api_keys *ret, struct kd_err *e)
{
	AUTO(api_keys_clear) struct api_keys keys = {0};
	AUTO(json_free) struct json *j = NULL;
	struct jo o;

	if (!json_parse(p, n, &j, e))
		return api_answer_bad(what, e);
	o = jo_top(j, e);
	if (!read_keys(&o, &keys) || !api_answer_end(&o))
		return api_answer_bad(what, e);
	*ret = keys;
	keys = (struct api_keys){0};
	return true;
}
