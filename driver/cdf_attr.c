/* SPDX-License-Identifier: Apache-2.0 */
/* driver/cdf_attr.c - attributes in a CDF. */
#include "driver/cdf_attr.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "driver/cdf.h"
#include "driver/cdf_lines.h"

#define NUMBER_DIGITS_MAX 5 /* more attributes than lines could be */

static unsigned
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

bool
cdf_number(const char *text, size_t n, uint32_t *ret)
{
	unsigned base = 10;
	uint64_t v = 0;

	if (n > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
		n -= 2;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned d = digit_value(text[i]);

		if (d >= base || v > UINT32_MAX)
			return false;
		v = v * base + d;
	}
	*ret = (uint32_t)v;
	return n > 0 && v <= UINT32_MAX;
}

bool
cdf_attr_like(const char *text)
{
	size_t n = strcspn(text, ":");
	uint32_t ignored;

	return text[n] == ':' && cdf_number(text, n, &ignored);
}

static bool
check_type(uint32_t type, struct kd_err *e)
{
	const uint32_t known = CAT_NAME_TEXT | CAT_NAME_OID | CAT_VALUE_TEXT |
			       CAT_VALUE_BASE64 | CAT_NOT_IN_COMPAT | CAT_AUTHENTICATED |
			       CAT_UNAUTHENTICATED;
	const uint32_t forms = CAT_VALUE_TEXT | CAT_VALUE_BASE64;
	const uint32_t kinds = CAT_AUTHENTICATED | CAT_UNAUTHENTICATED;

	if ((type & ~known) != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "attribute type 0x%08x: the bits 0x%08x have no meaning", type,
		    type & ~known);
	if ((type & forms) == 0 || (type & forms) == forms)
		return kd_fail(e, KD_E_FORMAT,
		    "attribute type 0x%08x: expected either 0x00010000 (plain text) or "
		    "0x00020000 (base64)",
		    type);
	if ((type & kinds) == kinds)
		return kd_fail(e, KD_E_FORMAT,
		    "attribute type 0x%08x: both authenticated (0x10000000) and not "
		    "(0x20000000)",
		    type);
	if ((type & CAT_NAME_OID) != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "attribute type 0x%08x: attributes with an OID for a name "
		    "(0x00000002) "
		    "cannot be written, only those with a text (0x00000001)",
		    type);
	if ((type & CAT_NAME_TEXT) == 0)
		return kd_fail(e, KD_E_FORMAT,
		    "attribute type 0x%08x: expected 0x00000001 (the name is a text)",
		    type);
	return true;
}

static bool
check_value(const struct cat_value *v, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};

	if (v->name[0] == '\0')
		return kd_fail(e, KD_E_FORMAT, "attribute without a name");
	if ((v->flags & CAT_VALUE_BASE64) == 0)
		return true;
	return text_unbase64(v->value, strlen(v->value), &b, e) ||
	       kd_in(e, "attribute '%s'", SHOW(v->name));
}

bool
cdf_attr_parse(char *text, struct cat_value *ret, struct kd_err *e)
{
	char *name = strchr(text, ':');
	char *value = name == NULL ? NULL : strchr(name + 1, ':');
	struct cat_value v = {0};

	if (value == NULL)
		return kd_fail(e, KD_E_FORMAT, "attribute '%s', expected TYPE:NAME:VALUE",
		    SHOW(text));
	*name = *value = '\0';
	if (!cdf_number(text, strlen(text), &v.flags))
		return kd_fail(e, KD_E_FORMAT,
		    "attribute type '%s', expected a number such as 0x10010001",
		    SHOW(text));
	v.name = name + 1;
	v.value = value + 1;
	if (!check_type(v.flags, e) || !check_value(&v, e))
		return false;
	*ret = v;
	return true;
}

uint32_t
cdf_attr_fault(const char *text)
{
	const char *colon = strchr(text, ':');

	return colon == NULL || strchr(colon + 1, ':') == NULL ? CDF_FAULT_ATTR_FEW
							       : CDF_FAULT_ATTR_TYPE;
}

unsigned
cdf_numbered(const char *key, const char *stem, size_t *ret_prefix_len)
{
	size_t n = strlen(key), digits = 0, stem_len = strlen(stem);
	unsigned v = 0;

	while (digits < n && key[n - digits - 1] >= '0' && key[n - digits - 1] <= '9')
		digits++;
	if (digits == 0 || digits > NUMBER_DIGITS_MAX || n - digits < stem_len ||
	    key[n - digits] == '0' ||
	    strncasecmp(&key[n - digits - stem_len], stem, stem_len) != 0)
		return 0;
	for (size_t i = n - digits; i < n; i++)
		v = 10 * v + (unsigned)(key[i] - '0');
	*ret_prefix_len = n - digits - stem_len;
	return v;
}

static int
compare_slots(const void *pa, const void *pb)
{
	const struct cdf_slot *a = pa, *b = pb;
	int c = (a->number > b->number) - (a->number < b->number);

	return c != 0 ? c : (a->line > b->line) - (a->line < b->line);
}

bool
cdf_slots_take(struct cdf_slot *slots, size_t n, const char *path, struct cat_value **ret,
    struct kd_err *e)
{
	AUTO(free) struct cat_value *v = kd_alloc_array(n, sizeof(*v));

	if (v == NULL)
		return kd_fail_nomem(e, "attributes");
	if (n > 1)
		qsort(slots, n, sizeof(*slots), compare_slots);
	for (size_t i = 0; i < n; i++) {
		if (slots[i].number <= i) {
			(void)kd_fail(e, KD_E_FORMAT,
			    "attribute %u again, first at line %u", slots[i].number,
			    slots[i - 1].line);
			return cdf_in_line(path, slots[i].line, e);
		}
		if (slots[i].number != i + 1) {
			(void)kd_fail(e, KD_E_FORMAT,
			    "attribute %u, but there is no attribute %zu: MakeCat would "
			    "stop there",
			    slots[i].number, i + 1);
			return cdf_in_line(path, slots[i].line, e);
		}
		v[i] = slots[i].value;
	}
	*ret = STEAL(v);
	return true;
}
