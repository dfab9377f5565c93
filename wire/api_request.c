/* SPDX-License-Identifier: Apache-2.0 */
/* wire/api_request.c - POST /v1/signatures: what a client asks to be signed. */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "wire/api.h"
#include "wire/api_schema.h"

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

static const char *const kind_names[API_KINDS_N] = {[API_KIND_NONE] = "none",
    [API_KIND_PE] = "pe",
    [API_KIND_CATALOG] = "catalog",
    [API_KIND_CABINET] = "cabinet",
    [API_KIND_SCRIPT] = "script",
    [API_KIND_MSI] = "msi",
    [API_KIND_MODULE] = "module"};

const char *
api_kind_name(enum api_kind k)
{
	return kind_names[k];
}

enum api_kind
api_kind_by_name(const char *s)
{
	for (size_t i = API_KIND_NONE + 1; i < KD_ARRAY_LEN(kind_names); i++)
		if (strcmp(s, kind_names[i]) == 0)
			return (enum api_kind)i;
	return API_KIND_NONE;
}

static bool
only_name_chars(const char *s, size_t min, size_t max)
{
	size_t n = strspn(s, NAME_CHARS);

	return s[n] == '\0' && n >= min && n <= max;
}

bool
api_id_ok(const char *id)
{
	return only_name_chars(id, API_ID_MIN, API_ID_MAX);
}

bool
api_key_name_ok(const char *name)
{
	return only_name_chars(name, 1, API_KEY_NAME_MAX);
}

static void
item_clear(struct api_item *it)
{
	free(it->name);
	free(it->description);
	free(it->url);
	free(it->page_hashes);
	free(it->ctl);
}

void
api_sign_request_clear(struct api_sign_request *r)
{
	for (size_t i = 0; i < r->items_n; i++)
		item_clear(&r->items[i]);
	free(r->items);
	*r = (struct api_sign_request){0};
}

/* An id or key name: its length is the table's affair, its characters are looked at here.
 */
static void
read_name(struct jo *o, const char *name, char *dst, size_t dst_len)
{
	size_t plain;

	api_get_text(o, &api_sign_request_schema, name, dst, dst_len);
	plain = strspn(dst, NAME_CHARS);
	if (dst[plain] != '\0')
		jo_bad(
		    o, name, "only A-Z a-z 0-9 . _ - are allowed, has '%s'", SHOW(dst));
}

/* C0, DEL and C1 (U+0080..U+009F): what is written here ends up on terminals and in logs.
 */
const char *
api_text_fault(const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)s[0], next = (unsigned char)s[1];

		if (c < 0x20 || c == 0x7f || (c == 0xc2 && next < 0xa0))
			return "has a control character";
	}
	return NULL;
}

static char *
copy_text(const struct jo *o, const char *s)
{
	char *copy = s == NULL ? NULL : kd_strdup(s);

	if (s != NULL && copy == NULL)
		kd_fail_nomem(o->e, "request to sign");
	return copy;
}

static void
read_file_name(struct jo *o, struct api_item *it)
{
	const char *s = api_get_str(o, &api_item_schema, "name");
	const char *fault = api_text_fault(s);

	if (fault != NULL)
		jo_bad(o, "name", "%s: '%s'", fault, SHOW(s));
	else if (strchr(s, '/') != NULL)
		jo_bad(o, "name", "needs a name without folders, is '%s'", SHOW(s));
	it->name = copy_text(o, s);
}

static void
read_description(struct jo *o, struct api_item *it)
{
	const char *s = api_get_str(o, &api_item_schema, "description");
	const char *fault = s != NULL ? api_text_fault(s) : NULL;

	if (fault != NULL)
		jo_bad(o, "description", "%s: '%s'", fault, SHOW(s));
	it->description = copy_text(o, s);
}

/* Length of the scheme and its slashes; 0 when it is another one. */
static size_t
web_scheme_len(const char *s)
{
	if (strncasecmp(s, "http://", 7) == 0)
		return 7;
	return strncasecmp(s, "https://", 8) == 0 ? 8 : 0;
}

const char *
api_url_fault(const char *s)
{
	for (const char *c = s; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			return "needs printable ASCII without blanks";
	if (web_scheme_len(s) == 0)
		return "needs to start with http:// or https://";
	return s[web_scheme_len(s)] == '\0' ? "names no host" : NULL;
}

static void
read_url(struct jo *o, struct api_item *it)
{
	const char *s = api_get_str(o, &api_item_schema, "url");
	const char *fault = s != NULL ? api_url_fault(s) : NULL;

	if (fault != NULL)
		jo_bad(o, "url", "%s, is '%s'", fault, SHOW(s));
	it->url = copy_text(o, s);
}

static void
read_kind(struct jo *o, struct api_item *it)
{
	const char *s = api_get_str(o, &api_item_schema, "kind");

	it->kind = api_kind_by_name(s);
	if (it->kind == API_KIND_NONE)
		jo_bad(o, "kind",
		    "must be pe, catalog, cabinet, script, msi or module, is '%s'",
		    SHOW(s));
}

/* One of the two large members into bytes, when it is there; *sum counts all of the
 * request's. */
static void
read_blob(struct jo *o, const char *name, uint8_t **ret, size_t *ret_len, size_t *sum)
{
	const char *base64 = api_get_base64(o, &api_item_schema, name);

	if (base64 == NULL || o->e->code != KD_OK ||
	    !api_get_bytes(o, name, base64, API_BLOB_MAX, ret, ret_len))
		return;
	*sum += *ret_len;
	if (*sum > API_BLOBS_MAX)
		kd_fail(o->e, KD_E_TOO_LARGE,
		    "%s.%s: makes %zu bytes of catalogs and page hashes, at most %zu "
		    "allowed in one request",
		    o->path, name, *sum, API_BLOBS_MAX);
}

static void
read_blobs(struct jo *o, struct api_item *it, size_t *sum)
{
	bool catalog = it->kind == API_KIND_CATALOG;

	if (catalog && !jo_has(o, "ctl"))
		jo_bad(o, "ctl", "missing, though the kind is 'catalog'");
	if (!catalog && jo_has(o, "ctl"))
		jo_bad(o, "ctl", "is for kind 'catalog' only");
	if (it->kind != API_KIND_PE && jo_has(o, "page_hashes"))
		jo_bad(o, "page_hashes", "is for kind 'pe' only");
	read_blob(o, "page_hashes", &it->page_hashes, &it->page_hashes_len, sum);
	read_blob(o, "ctl", &it->ctl, &it->ctl_len, sum);
}

/* What stands in signed attributes, which a module's signature does not have. */
static void
check_unsaid(struct jo *o, const struct api_item *it)
{
	static const char *const members[] = {"description", "url", "sequence"};

	for (size_t i = 0; i < KD_ARRAY_LEN(members); i++)
		if (it->kind == API_KIND_MODULE && jo_has(o, members[i]))
			jo_bad(o, members[i],
			    "cannot be said in the signature of a kernel module");
}

static bool
read_item(struct jo o, struct api_item *it, size_t *blobs)
{
	read_kind(&o, it);
	read_file_name(&o, it);
	it->size = api_get_uint(&o, &api_item_schema, "size");
	api_get_digest(&o, &api_item_schema, &it->md, it->digest);
	read_description(&o, it);
	read_url(&o, it);
	it->sequence = (unsigned)api_get_uint(&o, &api_item_schema, "sequence");
	check_unsaid(&o, it);
	read_blobs(&o, it, blobs);
	return jo_end(&o);
}

static bool
read_items(struct jo *o, struct api_sign_request *r)
{
	struct ja a = api_get_arr(o, &api_sign_request_schema, "items");
	size_t blobs = 0;

	if (o->e->code != KD_OK)
		return false;
	r->items = kd_alloc_array(a.n, sizeof(*r->items));
	if (r->items == NULL)
		return kd_fail_nomem(o->e, "request to sign");
	r->items_n = a.n;
	for (size_t i = 0; i < a.n; i++)
		if (!read_item(ja_obj(&a, i), &r->items[i], &blobs))
			return false;
	return true;
}

bool
api_sign_request_decode(
    const char *p, size_t n, struct api_sign_request *ret, struct kd_err *e)
{
	AUTO(api_sign_request_clear) struct api_sign_request r = {0};
	AUTO(json_free) struct json *j = NULL;
	struct jo o;

	if (!json_parse(p, n, &j, e))
		return false;
	o = jo_top(j, e);
	read_name(&o, "id", r.id, sizeof(r.id));
	read_name(&o, "retry_of", r.retry_of, sizeof(r.retry_of));
	read_name(&o, "key", r.key, sizeof(r.key));
	if (r.id[0] != '\0' && strcmp(r.id, r.retry_of) == 0)
		jo_bad(
		    &o, "retry_of", "is the id itself; a retry needs an id of its own");
	if (!read_items(&o, &r) || !jo_end(&o))
		return false;
	*ret = r;
	r = (struct api_sign_request){0};
	return true;
}

static void
encode_item(const struct api_item *it, struct buf *ret)
{
	jw_open(ret);
	jw_str(ret, "kind", api_kind_name(it->kind));
	jw_str(ret, "name", it->name);
	jw_uint(ret, "size", it->size);
	jw_str(ret, "digest_algorithm", md_name(it->md));
	jw_hex(ret, "digest", it->digest, md_len(it->md));
	if (it->description != NULL)
		jw_str(ret, "description", it->description);
	if (it->url != NULL)
		jw_str(ret, "url", it->url);
	if (it->sequence != 0)
		jw_uint(ret, "sequence", it->sequence);
	if (it->page_hashes != NULL)
		jw_base64(ret, "page_hashes", it->page_hashes, it->page_hashes_len);
	if (it->ctl != NULL)
		jw_base64(ret, "ctl", it->ctl, it->ctl_len);
	jw_close(ret);
}

void
api_sign_request_encode(const struct api_sign_request *r, struct buf *ret)
{
	jw_open(ret);
	jw_str(ret, "id", r->id);
	if (r->retry_of[0] != '\0')
		jw_str(ret, "retry_of", r->retry_of);
	if (r->key[0] != '\0')
		jw_str(ret, "key", r->key);
	jw_arr_open(ret, "items");
	for (size_t i = 0; i < r->items_n; i++)
		encode_item(&r->items[i], ret);
	jw_arr_close(ret);
	jw_close(ret);
}
