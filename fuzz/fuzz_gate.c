/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_gate.c - a request head, cut up as loosely as the HTTP library does: what the
 * gate lets through a strict reader must read the same way. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "daemon/front/gate.h"
#include "daemon/front/route.h"

#define HEAD_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct head {
	char *method, *target, *version;
	struct gate_header headers[GATE_HEADERS_MAX + 1];
	size_t n, size;
};

/* A line's end as libmicrohttpd 0.9.75 sees it: CR LF, a bare CR or a bare LF, each byte
 * of it becoming a NUL. NULL when the buffer ends before. */
static char *
next_line(char **at, const char *end)
{
	char *line = *at, *p = line;

	while (p < end && *p != '\r' && *p != '\n')
		p++;
	if (p == end)
		return NULL;
	if (*p == '\r' && p + 1 < end && p[1] == '\n')
		*p++ = '\0';
	*p++ = '\0';
	*at = p;
	return line;
}

static bool
first_line(struct head *h, char *line)
{
	char *space = strchr(line, ' ');

	h->method = line;
	if (space == NULL)
		return false;
	*space = '\0';
	h->target = space + 1;
	space = strrchr(h->target, ' ');
	if (space == NULL)
		return false;
	*space = '\0';
	h->version = space + 1;
	return true;
}

static bool
cut_up(struct head *h, char *buf, const char *end)
{
	char *begin = buf, *line = next_line(&buf, end), *colon;

	if (line == NULL || !first_line(h, line))
		return false;
	while ((line = next_line(&buf, end)) != NULL && *line != '\0') {
		colon = strchr(line, ':');
		if (colon == NULL || h->n > GATE_HEADERS_MAX)
			return false;
		*colon = '\0';
		h->headers[h->n].name = line;
		h->headers[h->n].name_len = strlen(line);
		colon++;
		colon += strspn(colon, " \t");
		h->headers[h->n].value = colon;
		h->headers[h->n++].value_len = strlen(colon);
	}
	h->size = (size_t)(buf - begin);
	return line != NULL;
}

/* Takes s from *p, or aborts: the strict reader saw something else there. */
static void
must(const char **p, const char *end, const char *s, size_t n)
{
	if ((size_t)(end - *p) < n || memcmp(*p, s, n) != 0)
		abort();
	*p += n;
}

/* n bytes of CR LF; or with NULs in place of some, which gate.h says still passes. */
static void
must_end(const char **p, const char *end, size_t n)
{
	bool nul = false;

	if ((size_t)(end - *p) < n)
		abort();
	for (size_t i = 0; i < n; i++) {
		if (strchr("\r\n", (*p)[i]) == NULL) /* finds the NUL, too */
			abort();
		nul = nul || (*p)[i] == '\0';
	}
	if (nul)
		*p += n;
	else
		must(p, end, "\r\n\r\n", n);
}

/* RFC 9112 sections 2.1, 3 and 5 over the bytes as they came. */
static void
read_strictly(const char *p, const char *end, const struct head *h, uint64_t length)
{
	bool has_length = false, has_host = false;

	must(&p, end, h->method, strlen(h->method));
	must(&p, end, " ", 1);
	must(&p, end, h->target, strlen(h->target));
	must(&p, end, " HTTP/1.1", 9);
	must_end(&p, end, 2);
	for (size_t i = 0; i < h->n; i++) {
		const struct gate_header *g = &h->headers[i];

		must(&p, end, g->name, g->name_len);
		must(&p, end, ":", 1);
		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		must(&p, end, g->value, g->value_len);
		must_end(&p, end, i + 1 < h->n ? 2 : 4);
		if (strcasecmp(g->name, "Transfer-Encoding") == 0)
			abort();
		if (strcasecmp(g->name, "Host") == 0 && has_host)
			abort();
		has_host = has_host || strcasecmp(g->name, "Host") == 0;
		if (strcasecmp(g->name, "Content-Length") != 0)
			continue;
		if (has_length || strspn(g->value, "0123456789") != g->value_len ||
		    strtoull(g->value, NULL, 10) != length)
			abort();
		has_length = true;
	}
	if (!has_host)
		abort();
}

static void
route(const struct head *h)
{
	struct route_match m = {0};
	const char *allow = NULL;
	struct kd_err e = {0};

	if (!route_find(h->method, h->target, ROUTE_ON_API, &m, &allow, &e)) {
		if (e.code == KD_OK || e.msg[0] == '\0')
			abort();
		return;
	}
	if (strlen(m.target) > ASK_TARGET_MAX || strchr(m.target, '/') != NULL)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	/* The library's pool goes on behind what has come: four bytes may be looked at.
	 */
	AUTO(free) char *buf = n <= HEAD_MAX ? calloc(1, n + 4) : NULL;
	struct head h = {0};
	struct gate_verdict v = {0};
	struct kd_err e = {0};

	if (buf == NULL)
		return 0;
	if (n > 0)
		memcpy(buf, p, n);
	memset(buf + n, 'x', 4);
	if (!cut_up(&h, buf, buf + n))
		return 0;
	if (!gate_check(&(struct gate_head){.method = h.method,
			    .version = h.version,
			    .headers = h.headers,
			    .n = h.n,
			    .in_place = true,
			    .size = h.size},
		&v, &e)) {
		if (e.code == KD_OK || e.msg[0] == '\0')
			abort(); /* every refusal must say why */
		return 0;
	}
	read_strictly((const char *)p, (const char *)p + n, &h, v.content_length);
	route(&h);
	return 0;
}
