/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/https.c - requests over HTTPS: one thread, many connections that stay open.
 *
 * A client of its own, because it shares the machine with what it measures: next to
 * nothing is built, copied or looked at per request. It speaks to nobody but kdsignd.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "bench/items.h"
#include "wire/api.h"

#define CONNECTIONS_MAX 256
#define READ_PART ((size_t)64 << 10)
#define HEAD_MAX 16384


struct connection {
	int fd;
	SSL *ssl;
	struct buf out, in;
	size_t sent; /* of out */
};

struct https {
	SSL_CTX *ctx;
	struct items items;
	struct connection c[CONNECTIONS_MAX];
	size_t n;
	int ep;
	uint16_t port;
};

static bool
fail_tls(struct kd_err *e, const char *what)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	return kd_fail(e, KD_E_TLS, "%s: %s", what, why != NULL ? SHOW(why) : "failed");
}

static bool
make_context(struct https *h, const char *identity, const char *ca, struct kd_err *e)
{
	h->ctx = SSL_CTX_new(TLS_client_method());
	if (h->ctx == NULL ||
	    SSL_CTX_set_min_proto_version(h->ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_use_certificate_chain_file(h->ctx, identity) != 1 ||
	    SSL_CTX_use_PrivateKey_file(h->ctx, identity, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_load_verify_locations(h->ctx, ca, NULL) != 1)
		return fail_tls(e, "TLS set-up");
	SSL_CTX_set_verify(h->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(
	    h->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return true;
}

/* The handshake is made while the socket still blocks. */
static bool
connect_one(struct https *h, struct connection *c, struct kd_err *e)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(h->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
	    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0)
		return kd_fail_errno(e, KD_E_UNREACHABLE, errno, "port %u", h->port);
	c->ssl = SSL_new(h->ctx);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1 || SSL_connect(c->ssl) != 1)
		return fail_tls(e, "handshake");
	if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0 ||
	    epoll_ctl(h->ep, EPOLL_CTL_ADD, c->fd, &ev) != 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "epoll");
	return true;
}

static bool
watch(struct https *h, struct connection *c, bool writing, struct kd_err *e)
{
	struct epoll_event ev = {
	    .events = EPOLLIN | (writing ? EPOLLOUT : 0u), .data.ptr = c};

	return epoll_ctl(h->ep, EPOLL_CTL_MOD, c->fd, &ev) == 0 ||
	       kd_fail_errno(e, KD_E_BUG, errno, "epoll");
}

static bool
flush(struct https *h, struct connection *c, struct kd_err *e)
{
	bool waited = c->sent > 0;

	while (c->sent < c->out.len) {
		int n =
		    SSL_write(c->ssl, c->out.p + c->sent, (int)(c->out.len - c->sent));

		if (n > 0) {
			c->sent += (size_t)n;
			continue;
		}
		if (SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_WRITE)
			return fail_tls(e, "write");
		return watch(h, c, true, e);
	}
	c->sent = 0;
	buf_reset(&c->out);
	return !waited || watch(h, c, false, e);
}

static bool
ask(struct https *h, struct connection *c, struct kd_err *e)
{
	const struct buf *body = items_next(&h->items);

	buf_printf(&c->out,
	    "POST /v1/signatures HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
	    "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
	    h->port, body->len);
	buf_add(&c->out, body->p, body->len);
	return buf_ok(&c->out, "request", e) && flush(h, c, e);
}

struct head {
	int status;
	size_t len, body_len;
};

/* Of an answer: *ret_have false until its header is complete. */
static bool
read_head(const struct buf *in, struct head *ret, bool *ret_have, struct kd_err *e)
{
	static const char length[] = "\r\ncontent-length:";
	char text[HEAD_MAX + 1];
	const char *end, *at;
	size_t n = in->len < HEAD_MAX ? in->len : HEAD_MAX;

	memcpy(text, in->p, n);
	text[n] = '\0';
	end = strstr(text, "\r\n\r\n");
	*ret_have = end != NULL;
	if (end == NULL)
		return n < HEAD_MAX || kd_fail(e, KD_E_PROTOCOL, "header without an end");
	at = strcasestr(text, length);
	if (strncmp(text, "HTTP/1.1 ", 9) != 0 || at == NULL || at > end)
		return kd_fail(e, KD_E_PROTOCOL,
		    "no answer of HTTP/1.1 with a length: %s", SHOW(text));
	ret->status = (int)strtol(&text[9], NULL, 10);
	ret->len = (size_t)(end - text) + 4;
	ret->body_len = strtoul(&at[sizeof(length) - 1], NULL, 10);
	return true;
}

/* One answer at most: there is one request under way on each connection. */
static bool
take(struct https *h, struct connection *c, bool *ret_answered, struct kd_err *e)
{
	struct head head = {0};
	bool have;

	*ret_answered = false;
	if (!read_head(&c->in, &head, &have, e))
		return false;
	if (!have || c->in.len < head.len + head.body_len)
		return true;
	if (!items_check(&h->items, head.status, c->in.p + head.len, head.body_len, e))
		return false;
	buf_reset(&c->in);
	*ret_answered = true;
	return true;
}

static bool
receive(struct https *h, struct connection *c, bool *ret_answered, struct kd_err *e)
{
	int n;

	do {
		size_t before = c->in.len;
		uint8_t *p = buf_reserve(&c->in, READ_PART);

		if (p == NULL)
			return kd_fail_nomem(e, "answer");
		n = SSL_read(c->ssl, p, (int)READ_PART);
		c->in.len = before + (n > 0 ? (size_t)n : 0);
	} while (n > 0);
	if (SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ)
		return fail_tls(e, "read");
	return take(h, c, ret_answered, e);
}

static bool
serve(struct https *h, struct epoll_event *ev, bool *ret_answered, struct kd_err *e)
{
	struct connection *c = ev->data.ptr;

	*ret_answered = false;
	if ((ev->events & EPOLLOUT) != 0 && !flush(h, c, e))
		return false;
	if ((ev->events & ~(uint32_t)EPOLLOUT) == 0)
		return true;
	if (!receive(h, c, ret_answered, e))
		return false;
	return !*ret_answered || ask(h, c, e);
}

static bool
run(struct meter *m, struct https *h, struct kd_err *e)
{
	struct epoll_event ev[CONNECTIONS_MAX];
	bool more = true, answered;

	meter_start(m);
	for (size_t i = 0; i < h->n; i++)
		if (!ask(h, &h->c[i], e))
			return false;
	while (more) {
		int n = epoll_wait(h->ep, ev, CONNECTIONS_MAX, LOAD_WAIT_MS);

		if (n <= 0)
			return kd_fail(
			    e, KD_E_UNREACHABLE, "no answer in %d ms", LOAD_WAIT_MS);
		for (int i = 0; i < n; i++) {
			if (!serve(h, &ev[i], &answered, e))
				return false;
			if (answered && more)
				more = meter_count(m, h->items.batch);
		}
	}
	return true;
}

static void
https_free(struct https *h)
{
	if (h == NULL)
		return;
	for (size_t i = 0; i < h->n; i++) {
		SSL_free(h->c[i].ssl);
		close_auto(&h->c[i].fd);
		buf_clear(&h->c[i].out);
		buf_clear(&h->c[i].in);
	}
	close_auto(&h->ep);
	items_clear(&h->items);
	SSL_CTX_free(h->ctx);
	free(h);
}
AUTO_DEFINE(struct https, https_free);

bool
load_https(struct meter *m, char **argv, struct kd_err *e)
{
	AUTO(https_free) struct https *h = kd_alloc(sizeof(*h));
	uint64_t port, n, batch;

	if (h == NULL)
		return kd_fail_nomem(e, "connections");
	h->ep = epoll_create1(EPOLL_CLOEXEC);
	if (!kd_parse_u64(argv[0], 1, UINT16_MAX, &port, e) ||
	    !kd_parse_u64(argv[4], 1, CONNECTIONS_MAX, &n, e) ||
	    !kd_parse_u64(argv[5], 1, API_ITEMS_MAX, &batch, e) ||
	    !items_make(&h->items, argv[3], batch, e) ||
	    !make_context(h, argv[1], argv[2], e))
		return false;
	h->port = (uint16_t)port;
	while (h->n < n) {
		struct connection *c = &h->c[h->n++];

		if (!connect_one(h, c, e))
			return false;
	}
	return run(m, h, e);
}
