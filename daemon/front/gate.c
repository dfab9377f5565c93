/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c - refuses every HTTP request whose end two readers could see in two places. */
#include "daemon/front/gate.h"

#include <string.h>

#include "base/num.h"
#include "base/text.h"

enum rule {
	RULE_ONCE,   /* a second one could mean something else to the next reader */
	RULE_REFUSED /* never needed here, and able to move the end of the request */
};

static const struct known {
	const char *name;
	enum rule rule;
} known_headers[] = {
    {"Host", RULE_ONCE},
    {"Content-Length", RULE_ONCE},
    {"Content-Type", RULE_ONCE},
    {"Connection", RULE_ONCE},
    {"Expect", RULE_ONCE},
    {"User-Agent", RULE_ONCE},
    {"Authorization", RULE_ONCE},
    {"Date", RULE_ONCE},
    {"Keep-Alive", RULE_ONCE},
    {"Range", RULE_ONCE},
    {"Referer", RULE_ONCE},
    {"Transfer-Encoding", RULE_REFUSED},
    {"Content-Encoding", RULE_REFUSED},
    {"Upgrade", RULE_REFUSED},
    {"Trailer", RULE_REFUSED},
    {"Origin", RULE_REFUSED},
};
#define KNOWN_HOST 0
#define KNOWN_N KD_ARRAY_LEN(known_headers)

static bool
token_char(unsigned char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
		return true;
	return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool
is_token(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!token_char((unsigned char)s[i]))
			return false;
	return n > 0;
}

static bool
value_is_clean(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
			return false;
	return true;
}

static bool
fail_end(struct kd_err *e)
{
	return kd_fail(e, KD_E_REQUEST,
	    "the last header line and the empty one must end with CR LF");
}

/* The end of one line is two NULs (were CR LF) before the next: see struct gate_head. */
static bool
lines_are_whole(const struct gate_head *h, struct kd_err *e)
{
	uintptr_t end = (uintptr_t)h->version + strlen(h->version);
	size_t i;

	for (i = 0; i < h->n; i++) {
		const struct gate_header *g = &h->headers[i];

		if ((uintptr_t)g->name != end + 2 ||
		    (uintptr_t)g->value < (uintptr_t)g->name + g->name_len + 1)
			return kd_fail(e, KD_E_REQUEST,
			    "header line %zu: every line must end with CR LF and hold "
			    "neither NUL nor a folded value",
			    i);
		end = (uintptr_t)g->value + g->value_len;
	}
	/* Behind the last line stands the empty one: CR LF CR LF, in place of which LF CR
	 * LF, CR LF LF or LF LF have fewer bytes than four. */
	if (h->n > 0 && h->size != 0 && (uintptr_t)h->method + h->size != end + 4)
		return fail_end(e);
	if (h->n > 0 &&
	    memcmp(h->headers[h->n - 1].value + h->headers[h->n - 1].value_len,
		"\0\0\0\0", 4) != 0)
		return fail_end(e);
	return true;
}

/* "123" → 123: digits only, no sign, at most 18 of them. */
static bool
read_length(const char *s, uint64_t *ret, struct kd_err *e)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; s[i] >= '0' && s[i] <= '9' && i < 19; i++)
		v = v * 10 + (uint64_t)(s[i] - '0');
	if (i == 0 || i > 18 || s[i] != '\0')
		return kd_fail(e, KD_E_REQUEST,
		    "Content-Length: '%s' is not a number of 1 to 18 digits", SHOW(s));
	*ret = v;
	return true;
}

static bool
known_check(
    const struct gate_header *g, size_t k, struct gate_verdict *v, struct kd_err *e)
{
	if (known_headers[k].rule == RULE_REFUSED)
		return kd_fail(e, KD_E_REQUEST, "header '%s' is not accepted here",
		    known_headers[k].name);
	if (strcmp(known_headers[k].name, "Content-Length") == 0) {
		v->has_content_length = true;
		return read_length(g->value, &v->content_length, e);
	}
	if (strcmp(known_headers[k].name, "Expect") == 0 &&
	    !text_eq_nocase(g->value, "100-continue"))
		return kd_fail(
		    e, KD_E_REQUEST, "Expect: only '100-continue' is understood");
	return true;
}

static bool
header_check(
    const struct gate_header *g, bool *seen, struct gate_verdict *v, struct kd_err *e)
{
	size_t k;

	if (!is_token(g->name, g->name_len))
		return kd_fail(e, KD_E_REQUEST,
		    "header name '%s' holds other than token characters", SHOW(g->name));
	if (!value_is_clean(g->value, g->value_len))
		return kd_fail(e, KD_E_REQUEST,
		    "header '%s': control character in the value", SHOW(g->name));
	for (k = 0; k < KNOWN_N; k++)
		if (text_eq_nocase(g->name, known_headers[k].name))
			break;
	if (k == KNOWN_N)
		return true;
	if (seen[k])
		return kd_fail(
		    e, KD_E_REQUEST, "header '%s' stands twice", known_headers[k].name);
	seen[k] = true;
	return known_check(g, k, v, e);
}

bool
gate_check(const struct gate_head *h, struct gate_verdict *ret, struct kd_err *e)
{
	struct gate_verdict v = {0};
	bool seen[KNOWN_N] = {false};
	size_t i;

	if (!is_token(h->method, strlen(h->method)))
		return kd_fail(
		    e, KD_E_REQUEST, "method '%s' is not a token", SHOW(h->method));
	if (strcmp(h->version, "HTTP/1.1") != 0)
		return kd_fail(e, KD_E_REQUEST,
		    "version '%s': only HTTP/1.1 is spoken here", SHOW(h->version));
	if (h->n > GATE_HEADERS_MAX)
		return kd_fail(e, KD_E_REQUEST, "%zu header lines, at most %d allowed",
		    h->n, GATE_HEADERS_MAX);
	if (h->in_place && !lines_are_whole(h, e))
		return false;
	for (i = 0; i < h->n; i++)
		if (!header_check(&h->headers[i], seen, &v, e))
			return false;
	if (!seen[KNOWN_HOST])
		return kd_fail(e, KD_E_REQUEST, "header 'Host' is missing");
	*ret = v;
	return true;
}
