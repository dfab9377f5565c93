/* SPDX-License-Identifier: Apache-2.0 */
/* gate_test.c - heads put together by hand, and heads in place as the HTTP library leaves
 * them. */
#include "daemon/front/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"

#define HEADERS_MAX 80

/*
 * What libmicrohttpd 0.9.75 makes of a head: NUL over each CR and LF that ends a line,
 * over the blanks of the request line and over the colon; a line ends at CR LF, CR or LF.
 */
struct parsed {
	char buf[8192];
	struct gate_header headers[HEADERS_MAX];
	struct gate_head head;
};

static char *
line_end(char *p, const char *end)
{
	while (p < end && *p != '\r' && *p != '\n')
		p++;
	return p;
}

static char *
line_cut(char *p)
{
	if (p[0] == '\r' && p[1] == '\n')
		*p++ = '\0';
	*p++ = '\0';
	return p;
}

static void
parse(struct parsed *r, const char *text, size_t n)
{
	char *p = r->buf, *end = r->buf + n, *colon;

	memset(r, 0, sizeof(*r));
	assert_true(n < sizeof(r->buf) - 8);
	memcpy(r->buf, text, n);
	r->head =
	    (struct gate_head){.method = p, .headers = r->headers, .in_place = true};
	p = strchr(p, ' ');
	*p++ = '\0';
	p = strchr(p, ' ');
	*p++ = '\0';
	r->head.version = p;
	for (p = line_cut(line_end(p, end)); p < end && *p != '\r' && *p != '\n';) {
		struct gate_header *h = &r->headers[r->head.n++];

		h->name = p;
		p = line_cut(line_end(p, end));
		colon = strchr(h->name, ':');
		if (colon == NULL)
			break;
		*colon++ = '\0';
		while (*colon == ' ' || *colon == '\t')
			colon++;
		h->value = colon;
		h->name_len = strlen(h->name);
		h->value_len = strlen(h->value);
	}
	(void)line_cut(p);
}

#define GET "GET /x HTTP/1.1\r\nHost: x\r\n"
#define POST "POST /x HTTP/1.1\r\nHost: x\r\n"

static void
good_heads_pass(void **state)
{
	static const struct {
		const char *text;
		bool has;
		uint64_t n;
	} rows[] = {
	    {GET "\r\n", false, 0},
	    {GET "Accept: */*\r\nAccept: text/plain\r\nX-Empty:\r\n\r\n", false, 0},
	    {POST "Content-Length: 17\r\n\r\n", true, 17},
	    {POST "content-length:0\r\n\r\n", true, 0},
	    {POST "Expect: 100-Continue\r\nContent-Length: 999999999999999999\r\n\r\n",
		true, 999999999999999999},
	};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
		struct gate_verdict v = {0};
		struct kd_err e = {0};

		parse(&p, rows[i].text, strlen(rows[i].text));
		if (!gate_check(&p.head, &v, &e))
			fail_msg("row %zu: %s", i, e.msg);
		assert_int_equal(v.has_content_length, rows[i].has);
		assert_int_equal(v.content_length, rows[i].n);
	}
}

#define LINE1                                                                            \
	"header line 1: every line must end with CR LF and hold neither NUL nor a "      \
	"folded value"
#define T(s) s, sizeof(s) - 1 /* with the NULs inside */
#define LAST "the last header line and the empty one must end with CR LF"

static void
bad_heads_are_refused_with_a_reason(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		const char *msg;
	} rows[] = {
	    {T("G(T /x HTTP/1.1\r\nHost: x\r\n\r\n"), "method 'G(T' is not a token"},
	    {T(" /x HTTP/1.1\r\nHost: x\r\n\r\n"), "method '' is not a token"},
	    {T("GET /x HTTP/1.0\r\nHost: x\r\n\r\n"),
		"version 'HTTP/1.0': only HTTP/1.1 is spoken here"},
	    {T("GET /x HTTP/1.1 \r\nHost: x\r\n\r\n"),
		"version 'HTTP/1.1 ': only HTTP/1.1 is spoken here"},
	    {T("GET /x HTTP/1.1\r\nA: b\r\n\r\n"), "header 'Host' is missing"},
	    {T(GET "Host: y\r\n\r\n"), "header 'Host' stands twice"},
	    {T(GET "hOST: y\r\n\r\n"), "header 'Host' stands twice"},
	    {T(POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"),
		"header 'Content-Length' stands twice"},
	    {T(POST "Content-Length : 1\r\n\r\n"),
		"header name 'Content-Length ' holds other than token characters"},
	    {T(GET ": b\r\n\r\n"), "header name '' holds other than token characters"},
	    {T(POST "Transfer-Encoding: chunked\r\n\r\n"),
		"header 'Transfer-Encoding' is not accepted here"},
	    {T(POST "Content-Encoding: br\r\n\r\n"),
		"header 'Content-Encoding' is not accepted here"},
	    {T(GET "Origin: null\r\n\r\n"), "header 'Origin' is not accepted here"},
	    {T(POST "Content-Length: +1\r\n\r\n"),
		"Content-Length: '+1' is not a number of 1 to 18 digits"},
	    {T(POST "Content-Length: 1 \r\n\r\n"),
		"Content-Length: '1 ' is not a number of 1 to 18 digits"},
	    {T(POST "Content-Length:\r\n\r\n"),
		"Content-Length: '' is not a number of 1 to 18 digits"},
	    {T(POST "Content-Length: 1234567890123456789\r\n\r\n"),
		"Content-Length: '1234567890123456789' is not a number of 1 to 18 "
		"digits"},
	    {T(POST "Expect: other\r\n\r\n"),
		"Expect: only '100-continue' is understood"},
	    {T(GET "A: b\x01\r\n\r\n"), "header 'A': control character in the value"},
	    {T(GET "A: b\x7f\r\n\r\n"), "header 'A': control character in the value"},
	    {T("GET /x HTTP/1.1\r\nHost: x\nA: b\r\n\r\n"), LINE1},
	    {T("GET /x HTTP/1.1\r\nHost: a\0b\r\nA: b\r\n\r\n"), LINE1},
	    {T("GET /x HTTP/1.1\nHost: x\r\n\r\n"),
		"header line 0: every line must end with CR LF and hold neither NUL nor "
		"a folded "
		"value"},
	    {T(GET "A: b\n\r\n"), LAST},
	    {T(GET "A: b\r\n\n"), LAST},
	    {T(GET "A: b\n\n"), LAST},
	    {T(GET "A: b\0c\r\n\r\n"), LAST},
	};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
		struct gate_verdict v = {.content_length = 42};
		struct kd_err e = {0};

		parse(&p, rows[i].text, rows[i].n);
		memset(
		    p.buf + rows[i].n, 'x', 8); /* what follows in the receive buffer */
		assert_false(gate_check(&p.head, &v, &e));
		assert_string_equal(e.msg, rows[i].msg);
		assert_int_equal(e.code, KD_E_REQUEST);
		assert_int_equal(v.content_length, 42);
	}
}

/* The library moves a folded line elsewhere; then nothing is adjacent any more. */
static void
a_moved_value_is_refused(void **state)
{
	struct gate_verdict v;
	struct kd_err e = {0};
	struct parsed p;

	(void)state;
	parse(&p, GET "A: b\r\nB: c\r\n\r\n", strlen(GET "A: b\r\nB: c\r\n\r\n"));
	p.headers[1].value = memcpy(p.buf + 4000, "b c", 4);
	p.headers[1].value_len = 3;
	assert_false(gate_check(&p.head, &v, &e));
	assert_string_equal(e.msg,
	    "header line 2: every line must end with CR LF and hold "
	    "neither NUL nor a folded value");
}

static void
many_headers_are_refused(void **state)
{
	struct gate_verdict v;
	struct kd_err e = {0};
	struct parsed p;
	char text[2048];
	size_t n = (size_t)snprintf(text, sizeof(text), GET);

	(void)state;
	for (int i = 0; i < GATE_HEADERS_MAX - 1; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "X-%d: b\r\n", i);
	(void)snprintf(text + n, sizeof(text) - n, "\r\n");
	parse(&p, text, n + 2);
	assert_true(gate_check(&p.head, &v, &e));
	(void)snprintf(text + n, sizeof(text) - n, "X-Last: b\r\n\r\n");
	parse(&p, text, strlen(text));
	assert_false(gate_check(&p.head, &v, &e));
	assert_string_equal(e.msg, "65 header lines, at most 64 allowed");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_heads_pass),
	    cmocka_unit_test(bad_heads_are_refused_with_a_reason),
	    cmocka_unit_test(a_moved_value_is_refused),
	    cmocka_unit_test(many_headers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
