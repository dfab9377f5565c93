/* SPDX-License-Identifier: Apache-2.0 */
/* tests/mock/mock_attest.c - certificates that a module makes when they are read, as Yubico's
 * does. */
#include "config.h"

#include "mock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECTS 8
#define FIRST 0x7a000000 /* a handle that SoftHSM never has */
#define VALUE_MAX 8192
#define LABEL_MAX 128

struct object {
	bool there;
	CK_BBOOL stored;
	CK_BYTE id[32];
	size_t id_n;
	char label[LABEL_MAX];
	CK_BYTE value[VALUE_MAX];
	size_t value_n;
};

/* Which of them a search has still to give, a bit each. */
static _Thread_local unsigned wanted;

static size_t
read_file(const char *name, unsigned i, void *dst, size_t max)
{
	char file[64], path[512];
	size_t n = 0;
	FILE *f;

	(void)snprintf(file, sizeof(file), "%s.%u", name, i);
	mock_path(path, sizeof(path), file);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	n = fread(dst, 1, max, f);
	(void)fclose(f);
	return n;
}

/* "made.N": "token|module ID LABEL"; "value.N": the certificate in DER. */
static void
load(unsigned i, struct object *ret)
{
	char text[256] = {0}, digits[3] = {0}, *rest = NULL, *kind, *id, *label;

	*ret = (struct object){0};
	if (read_file("made", i, text, sizeof(text) - 1) == 0)
		return;
	kind = strtok_r(text, " ", &rest);
	id = strtok_r(NULL, " ", &rest);
	label = strtok_r(NULL, "\n", &rest);
	if (kind == NULL || id == NULL || label == NULL)
		return;
	ret->there = true;
	ret->stored = strcmp(kind, "token") == 0 ? CK_TRUE : CK_FALSE;
	for (; id[0] != '\0' && id[1] != '\0' && ret->id_n < sizeof(ret->id); id += 2) {
		memcpy(digits, id, 2);
		ret->id[ret->id_n++] = (CK_BYTE)strtoul(digits, NULL, 16);
	}
	(void)snprintf(ret->label, sizeof(ret->label), "%s", label);
	ret->value_n = read_file("value", i, ret->value, sizeof(ret->value));
}

/* The attribute's bytes; false when it has none of that type. */
static bool
get(struct object *o, CK_ATTRIBUTE_TYPE type, const void **ret, size_t *ret_n)
{
	static CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	static CK_CERTIFICATE_TYPE x509 = CKC_X_509;
	static CK_BBOOL no = CK_FALSE;
	const struct {
		CK_ATTRIBUTE_TYPE type;
		const void *p;
		size_t n;
	} all[] = {
	    {CKA_CLASS, &class, sizeof(class)},
	    {CKA_CERTIFICATE_TYPE, &x509, sizeof(x509)},
	    {CKA_TOKEN, &o->stored, sizeof(o->stored)},
	    {CKA_PRIVATE, &no, sizeof(no)},
	    {CKA_MODIFIABLE, &no, sizeof(no)},
	    {CKA_LABEL, o->label, strlen(o->label)},
	    {CKA_ID, o->id, o->id_n},
	    {CKA_VALUE, o->value, o->value_n},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i].type != type)
			continue;
		*ret = all[i].p;
		*ret_n = all[i].n;
		return true;
	}
	return false;
}

static bool
matches(struct object *o, const CK_ATTRIBUTE *tmpl, CK_ULONG n)
{
	const void *p;
	size_t len;

	for (CK_ULONG i = 0; i < n; i++)
		if (!get(o, tmpl[i].type, &p, &len) || len != tmpl[i].ulValueLen ||
		    memcmp(p, tmpl[i].pValue, len) != 0)
			return false;
	return o->there;
}

void
mock_attest_find(const CK_ATTRIBUTE *tmpl, CK_ULONG n)
{
	struct object o;

	wanted = 0;
	for (unsigned i = 0; i < OBJECTS; i++) {
		load(i, &o);
		if (matches(&o, tmpl, n))
			wanted |= 1u << i;
	}
}

void
mock_attest_give(CK_OBJECT_HANDLE *dst, CK_ULONG max, CK_ULONG *n)
{
	for (unsigned i = 0; i < OBJECTS && *n < max; i++) {
		if ((wanted >> i & 1) == 0)
			continue;
		wanted &= ~(1u << i);
		dst[(*n)++] = FIRST + i;
	}
}

bool
mock_attest_is(CK_OBJECT_HANDLE h)
{
	return h >= FIRST && h < FIRST + OBJECTS;
}

CK_RV
mock_attest_read(CK_OBJECT_HANDLE h, CK_ATTRIBUTE *tmpl, CK_ULONG n)
{
	CK_RV rv = CKR_OK;
	struct object o;
	const void *p;
	size_t len;

	load((unsigned)(h - FIRST), &o);
	for (CK_ULONG i = 0; i < n; i++) {
		CK_ULONG room = tmpl[i].ulValueLen;

		tmpl[i].ulValueLen = CK_UNAVAILABLE_INFORMATION;
		if (!get(&o, tmpl[i].type, &p, &len)) {
			rv = CKR_ATTRIBUTE_TYPE_INVALID;
		} else if (tmpl[i].pValue != NULL && room < len) {
			rv = CKR_BUFFER_TOO_SMALL;
		} else {
			if (tmpl[i].pValue != NULL)
				memcpy(tmpl[i].pValue, p, len);
			tmpl[i].ulValueLen = len;
		}
	}
	return rv;
}
