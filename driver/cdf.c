/* SPDX-License-Identifier: Apache-2.0 */
/* driver/cdf.c - a catalog definition file: its [CatalogHeader], and the whole. */
#include "driver/cdf.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "driver/cdf_attr.h"
#include "driver/cdf_files.h"
#include "driver/cdf_lines.h"

#define ENCODINGS 0x00010001u /* PKCS_7_ASN_ENCODING | X509_ASN_ENCODING */

void
cdf_clear(struct cdf *c)
{
	for (size_t i = 0; i < c->members_n; i++)
		free(c->members[i].values);
	free(c->members);
	free(c->values);
	free(c->text);
	*c = (struct cdf){0};
}

/* What the header's keys say before they are judged together. */
struct header {
	const struct cdf_line *name, *result_dir, *public_version, *version, *algorithms,
	    *page_hashes, *encoding;
	struct cdf_slot *slots;
	size_t slots_n;
	uint32_t fault;
};

static const struct {
	const char *name;
	size_t offset; /* of the pointer in struct header */
} header_keys[] = {
    {"Name", offsetof(struct header, name)},
    {"ResultDir", offsetof(struct header, result_dir)},
    {"PublicVersion", offsetof(struct header, public_version)},
    {"CatalogVersion", offsetof(struct header, version)},
    {"HashAlgorithms", offsetof(struct header, algorithms)},
    {"PageHashes", offsetof(struct header, page_hashes)},
    {"EncodingType", offsetof(struct header, encoding)},
};

static bool
fail_unknown(const char *key, struct kd_err *e)
{
	const char *names[KD_ARRAY_LEN(header_keys) + 2] = {"CATATTR1"};

	for (size_t i = 0; i < KD_ARRAY_LEN(header_keys); i++)
		names[i + 1] = header_keys[i].name;
	(void)kd_fail(e, KD_E_FORMAT, "unknown key '%s' in [CatalogHeader]", SHOW(key));
	(void)text_hint_nearest(e, "", key, names);
	return false;
}

static bool
take_key(struct header *h, const struct cdf_line *line, struct kd_err *e)
{
	size_t prefix_len = 1;
	unsigned number = cdf_numbered(line->key, "CATATTR", &prefix_len);

	if (number != 0 && prefix_len == 0) {
		struct cdf_slot *slot = &h->slots[h->slots_n++];

		slot->number = number;
		slot->line = line->number;
		h->fault = cdf_attr_fault(line->value);
		return cdf_attr_parse(line->value, &slot->value, e);
	}
	h->fault = CDF_FAULT_UNSUPPORTED;
	for (size_t i = 0; i < KD_ARRAY_LEN(header_keys); i++) {
		const struct cdf_line **field =
		    (const struct cdf_line **)((char *)h + header_keys[i].offset);

		if (cdf_compare(line->key, header_keys[i].name) != 0)
			continue;
		h->fault = CDF_FAULT_DUPLICATE;
		if (*field != NULL)
			return kd_fail(e, KD_E_FORMAT, "key '%s' again, first at line %u",
			    header_keys[i].name, (*field)->number);
		*field = line;
		return true;
	}
	return fail_unknown(line->key, e);
}

/* "" for a key that is not there: MakeCat takes both for the same. */
static const char *
text_of(const struct cdf_line *line)
{
	return line == NULL ? "" : line->value;
}

static bool
set_version(const struct header *h, struct cdf *ret, struct kd_err *e)
{
	const char *v = text_of(h->version);

	if (v[0] == '\0' || strcmp(v, "1") == 0)
		ret->version = CAT_V1;
	else if (strcmp(v, "2") == 0)
		ret->version = CAT_V2;
	else
		return kd_fail(
		    e, KD_E_FORMAT, "CatalogVersion is '%s', expected 1 or 2", SHOW(v));
	return true;
}

/* SHA1 goes with version 1 alone and is its default; version 2 wants SHA256 to be said.
 */
static bool
check_algorithms(const struct header *h, const struct cdf *c, struct kd_err *e)
{
	const char *v = text_of(h->algorithms);

	if (c->version == CAT_V1 && v[0] != '\0' && !text_eq_nocase(v, "SHA1"))
		return kd_fail(e, KD_E_FORMAT,
		    "HashAlgorithms is '%s', expected SHA1: SHA256 needs "
		    "CatalogVersion=2",
		    SHOW(v));
	if (c->version == CAT_V2 && !text_eq_nocase(v, "SHA256"))
		return kd_fail(e, KD_E_FORMAT,
		    "HashAlgorithms is '%s', expected SHA256 in a catalog of version 2",
		    SHOW(v));
	return true;
}

static bool
set_page_hashes(const struct header *h, struct cdf *ret, struct kd_err *e)
{
	const char *v = text_of(h->page_hashes);

	ret->page_hashes = text_eq_nocase(v, "true");
	if (ret->page_hashes || v[0] == '\0' || text_eq_nocase(v, "false"))
		return true;
	return kd_fail(
	    e, KD_E_FORMAT, "PageHashes is '%s', expected true or false", SHOW(v));
}

/* A number, or the names of wincrypt.h, which Microsoft's samples have too. */
static bool
check_encoding(const struct header *h, struct kd_err *e)
{
	const char *v = text_of(h->encoding);
	uint32_t number = 0;

	if (v[0] == '\0' || text_eq_nocase(v, "PKCS_7_ASN_ENCODING") ||
	    text_eq_nocase(v, "X509_ASN_ENCODING") ||
	    text_eq_nocase(v, "PKCS_7_ASN_ENCODING | X509_ASN_ENCODING"))
		return true;
	if (cdf_number(v, strlen(v), &number) && (number & ~ENCODINGS) == 0)
		return true;
	return kd_fail(e, KD_E_FORMAT,
	    "EncodingType is '%s', expected 0x00010001 (PKCS #7 and X.509), the only one",
	    SHOW(v));
}

static bool
set_name(const struct header *h, struct cdf *ret, struct kd_err *e)
{
	if (text_of(h->name)[0] == '\0')
		return kd_fail(e, KD_E_FORMAT, "Name is empty, expected a file's name");
	cdf_slashes(h->name->value);
	ret->name = h->name->value;
	ret->result_dir = "";
	if (h->result_dir != NULL) {
		cdf_slashes(h->result_dir->value);
		ret->result_dir = h->result_dir->value;
	}
	return true;
}

static bool
in_header(const char *path, const struct cdf_line *line, struct kd_err *e)
{
	return line == NULL ? kd_in(e, "'%s'", SHOW(path))
			    : cdf_in_line(path, line->number, e);
}

static bool
judge(const char *path, const struct header *h, struct cdf *ret, struct kd_err *e)
{
	ret->fault = CDF_FAULT_UNSUPPORTED;
	if (h->name == NULL) {
		ret->fault = CDF_FAULT_NO_TAG;
		(void)kd_fail(e, KD_E_FORMAT,
		    "'%s': no Name in [CatalogHeader]: the catalog's file name",
		    SHOW(path));
		return kd_hint(e, "a line such as Name=hello.cat says it");
	}
	if (!set_name(h, ret, e))
		return in_header(path, h->name, e);
	if (!set_version(h, ret, e))
		return in_header(path, h->version, e);
	if (!check_algorithms(h, ret, e))
		return in_header(path, h->algorithms, e);
	if (!set_page_hashes(h, ret, e))
		return in_header(path, h->page_hashes, e);
	if (!check_encoding(h, e))
		return in_header(path, h->encoding, e);
	ret->fault = CDF_FAULT_ATTR_TYPE;
	if (!cdf_slots_take(h->slots, h->slots_n, path, &ret->values, e))
		return false;
	ret->values_n = h->slots_n;
	return true;
}

static bool
read_header(const struct cdf_lines *lines, struct cdf *ret, struct kd_err *e)
{
	AUTO(free) struct cdf_slot *slots = kd_alloc_array(lines->n, sizeof(*slots));
	struct header h = {.slots = slots};

	if (slots == NULL)
		return kd_fail_nomem(e, "attributes");
	for (size_t i = 0; i < lines->n; i++) {
		if (lines->v[i].section != CDF_HEADER)
			continue;
		if (!take_key(&h, &lines->v[i], e)) {
			ret->fault = h.fault;
			return cdf_in_line(lines->path, lines->v[i].number, e);
		}
	}
	return judge(lines->path, &h, ret, e);
}

bool
cdf_parse(const char *path, const char *text, size_t n, struct cdf *ret, struct kd_err *e)
{
	AUTO(cdf_clear) struct cdf c = {0};
	AUTO(cdf_lines_clear) struct cdf_lines lines = {0};

	c.fault = ret->fault = CDF_FAULT_UNSUPPORTED;
	if (n > CDF_LEN_MAX)
		return kd_fail(e, KD_E_LIMIT, "'%s': larger than %zu bytes", SHOW(path),
		    CDF_LEN_MAX);
	c.text = kd_alloc(n + 1);
	if (c.text == NULL)
		return kd_fail_nomem(e, "CDF");
	if (n > 0)
		memcpy(c.text, text, n);
	if (!cdf_lines_split(path, c.text, n, &lines, e) || !read_header(&lines, &c, e) ||
	    !cdf_files_read(&lines, &c, e)) {
		ret->fault = c.fault;
		return false;
	}
	c.fault = 0;
	*ret = c;
	c = (struct cdf){0};
	return true;
}

bool
cdf_load(const char *path, struct cdf *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};

	ret->fault = CDF_FAULT_UNSUPPORTED;
	return file_read_all(path, CDF_LEN_MAX, &b, e) &&
	       cdf_parse(path, (const char *)b.p, b.len, ret, e);
}
