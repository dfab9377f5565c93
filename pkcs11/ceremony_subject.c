/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_subject.c - a distinguished name as people write it. */
#include "pkcs11/ceremony_subject.h"

#include <string.h>

#include "base/own.h"
#include "base/text.h"

AUTO_DEFINE(X509_NAME, X509_NAME_free);
AUTO_DEFINE(BIO, BIO_free_all);

struct part { /* one attribute, unescaped */
	char type[64];
	char value[SUBJECT_LEN_MAX + 1];
	size_t value_len;
};

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* After a backslash: two hex digits are a byte, anything else is itself. */
static const char *
unescape(const char *p, char *ret)
{
	int high = hex_digit(p[0]);
	int low = high >= 0 ? hex_digit(p[1]) : -1;

	if (low >= 0) {
		*ret = (char)(high << 4 | low);
		return p + 2;
	}
	*ret = *p;
	return p + 1;
}

static bool
fail_part(const char *part, struct kd_err *e, const char *what)
{
	return kd_fail(e, KD_E_USAGE, "subject, at '%s': %s", SHOW(part), what);
}

static bool
read_type(const char **at, struct part *ret, struct kd_err *e)
{
	const char *p = *at;
	size_t n = strcspn(p, "=");

	while (n > 0 && p[n - 1] == ' ' && p[n] == '=')
		n--;
	if (p[strcspn(p, "=")] != '=' || n == 0 || n >= sizeof(ret->type))
		return fail_part(p, e, "expected NAME=VALUE");
	memcpy(ret->type, p, n);
	ret->type[n] = '\0';
	*at = p + strcspn(p, "=") + 1;
	return true;
}

/* To the next separator that is not escaped; stop has it, and "+" where that is one. */
static bool
read_value(
    const char **at, const char *stop, bool quotes, struct part *ret, struct kd_err *e)
{
	const char *p = *at;
	bool quoted = false;
	size_t kept = 0; /* blanks behind it fall away, but those written by an escape */

	ret->value_len = 0;
	if (quotes)
		p += strspn(p, " ");
	for (; *p != '\0' && (quoted || strchr(stop, *p) == NULL);) {
		if (quotes && *p == '"') {
			quoted = !quoted;
			p++;
			kept = ret->value_len;
			continue;
		}
		if (*p == '\\' && p[1] == '\0')
			return fail_part(*at, e, "a backslash at the end");
		if (*p == '\\') {
			p = unescape(p + 1, &ret->value[ret->value_len++]);
			kept = ret->value_len;
			continue;
		}
		if (*p != ' ' || quoted)
			kept = ret->value_len + 1;
		ret->value[ret->value_len++] = *p++;
	}
	if (quoted)
		return fail_part(*at, e, "a quotation mark is not closed");
	if (quotes)
		ret->value_len = kept;
	ret->value[ret->value_len] = '\0';
	*at = p;
	return true;
}

static bool
add(X509_NAME *name, const struct part *p, bool in_front, struct kd_err *e)
{
	if (p->value_len == 0)
		return kd_fail(
		    e, KD_E_USAGE, "subject: '%s' has no value", SHOW(p->type));
	if (!text_is_utf8(p->value, p->value_len))
		return kd_fail(e, KD_E_USAGE, "subject: the value of '%s' is not UTF-8",
		    SHOW(p->type));
	if (OBJ_txt2nid(p->type) == NID_undef && hex_digit(p->type[0]) < 0)
		return kd_fail(
		    e, KD_E_USAGE, "subject: unknown attribute '%s'", SHOW(p->type));
	if (X509_NAME_add_entry_by_txt(name, p->type, MBSTRING_UTF8,
		(const unsigned char *)p->value, (int)p->value_len, in_front ? 0 : -1,
		0) == 1)
		return true;
	return kd_fail(e, KD_E_USAGE,
	    "subject: '%s=%s' is no attribute of a name, or too long or short for it",
	    SHOW(p->type), SHOW(p->value));
}

bool
subject_parse(const char *s, X509_NAME **ret, struct kd_err *e)
{
	bool slashes = s[0] == '/';
	AUTO(X509_NAME_free) X509_NAME *name = X509_NAME_new();
	const char *p = s;
	struct part part;
	int n = 0;

	if (name == NULL)
		return kd_fail_nomem(e, "subject");
	if (strlen(s) > SUBJECT_LEN_MAX)
		return kd_fail(
		    e, KD_E_USAGE, "subject: longer than %d bytes", SUBJECT_LEN_MAX);
	if (slashes)
		p++;
	do {
		p += slashes ? 0 : strspn(p, " ");
		if (!read_type(&p, &part, e) ||
		    !read_value(&p, slashes ? "/" : ",;+", !slashes, &part, e))
			return false;
		if (*p == '+')
			return fail_part(p, e,
			    "several attributes in one part are not "
			    "supported; write \\+ for the character");
		if (++n > SUBJECT_PARTS_MAX)
			return kd_fail(e, KD_E_USAGE, "subject: more than %d parts",
			    SUBJECT_PARTS_MAX);
		if (!add(name, &part, !slashes, e))
			return false;
	} while (*p++ != '\0');
	*ret = STEAL(name);
	return true;
}

void
subject_print(const X509_NAME *name, char *dst, size_t n)
{
	AUTO(BIO_free_all) BIO *b = BIO_new(BIO_s_mem());
	char *p = NULL;
	long len;

	dst[0] = '\0';
	if (b == NULL ||
	    X509_NAME_print_ex(b, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0)
		return;
	len = BIO_get_mem_data(b, &p);
	if (len > 0)
		(void)text_show(dst, n, p, (size_t)len);
}
