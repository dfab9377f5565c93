/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/keeper/fake_front_tool.c - a front without TLS: one question, or many for a
 * while. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "authenticode/cert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/own.h"
#include "base/sock.h"
#include "base/text.h"
#include "wire/api.h"
#include "wire/frame.h"
#include "wire/front_msg.h"

/*
 *	fake_front_tool -s SOCKET -c CHAIN.pem [-d DEADLINE_MS] [-w WAIT_MS] ROUTE
 *[TARGET] [<body] prints the status and Retry-After on one line, then the body
 *	fake_front_tool -s SOCKET -c CHAIN.pem -n CONCURRENT -b BATCH -t MS [-l FILE] load
 *		prints "signatures SECONDS PER_SECOND"; each signature released goes to
 *FILE as "id index sha256-of-cms", written before the next is asked for
 */
#define ANSWER_MAX ((size_t)64 << 20)
#define CONCURRENT_MAX 256
#define DIFFERENT 64 /* items that differ; a null token answers repeats from memory */

struct fake {
	int fd;
	struct frame_in in;
	struct frame_out out;
	struct certs *chain;
	struct ask ask;
};

static void
die(const struct kd_err *e)
{
	log_err(LOG_L_ERROR, e);
	exit(2);
}

static void
need(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "fake front: %s\n", what);
	exit(2);
}

static void
send_ask(struct fake *f, uint64_t id)
{
	struct kd_err e = {0};
	size_t mark = frame_out_begin(&f->out, FRAME_ASK, id);

	ask_encode(&f->ask, &f->out.buf);
	if (!frame_out_end(&f->out, mark, &e))
		die(&e);
}

/* The next answer; false when the keeper is gone. */
static bool
next_answer(struct fake *f, struct frame *ret, struct answer *a)
{
	struct kd_err e = {0};
	bool have = false, eof = false;

	for (;;) {
		struct pollfd p = {.fd = f->fd, .events = POLLIN};

		if (!frame_in_next(&f->in, &have, ret, &e))
			die(&e);
		if (have) {
			if (!answer_decode(ret->payload, a, &e))
				die(&e);
			return true;
		}
		if (eof || !frame_out_flush(&f->out, f->fd, &e))
			return false;
		if (frame_out_pending(&f->out) > 0)
			p.events |= POLLOUT;
		need(poll(&p, 1, 120000) > 0, "no answer in two minutes");
		if ((p.revents & (POLLIN | POLLHUP)) != 0 &&
		    !frame_in_fill(&f->in, f->fd, &eof, &e))
			return false;
	}
}

static int
ask_once(struct fake *f)
{
	struct frame frame;
	struct answer a;

	send_ask(f, 1);
	if (!next_answer(f, &frame, &a)) {
		(void)puts("gone");
		return 3;
	}
	(void)printf("%u %u\n", a.status, a.retry_after_s);
	(void)fwrite(a.body.p, 1, a.body.len, stdout);
	(void)putchar('\n');
	return 0;
}

struct load {
	struct fake *f;
	size_t batch;
	uint64_t serial, sent_items, got_items, other, run;
	FILE *log;
	struct buf bodies[CONCURRENT_MAX];
};

static void
make_body(struct load *l, struct buf *body)
{
	struct api_sign_request r = {.items_n = l->batch};

	r.items = kd_alloc_array(l->batch, sizeof(*r.items));
	need(r.items != NULL, "memory");
	(void)snprintf(r.id, sizeof(r.id), "load-%016llx-%08llu",
	    (unsigned long long)l->run, (unsigned long long)l->serial);
	for (size_t i = 0; i < l->batch; i++) {
		struct api_item *it = &r.items[i];
		uint64_t n = (l->serial * l->batch + i) % DIFFERENT;

		it->kind = API_KIND_PE;
		it->name = kd_strdup("driver.sys");
		it->description = kd_strdup("A driver");
		it->url = kd_strdup("https://example.com/");
		it->size = 6680;
		it->md = MD_SHA256;
		memset(it->digest, (int)n + 1, 32);
		if (l->log != NULL) /* then each digest is signed once at most */
			memcpy(it->digest, (uint64_t[]){l->serial, i, l->run}, 24);
	}
	l->serial++;
	buf_reset(body);
	api_sign_request_encode(&r, body);
	api_sign_request_clear(&r);
}

static void
send_one(struct load *l, uint64_t slot)
{
	make_body(l, &l->bodies[slot]);
	l->f->ask.body = (struct der){.p = l->bodies[slot].p, .len = l->bodies[slot].len};
	send_ask(l->f, slot);
	l->sent_items += l->batch;
}

static void
log_answer(struct load *l, const struct answer *a)
{
	struct api_sign_answer s = {0};
	struct kd_err e = {0};
	uint8_t md[MD_LEN_MAX];
	char hex[65];

	if (!api_sign_answer_decode((const char *)a->body.p, a->body.len, &s, &e))
		die(&e);
	for (size_t i = 0; i < s.items_n; i++) {
		if (s.items[i].status != API_SIGNED)
			continue;
		need(md_digest(MD_SHA256, s.items[i].cms, s.items[i].cms_len, md, &e),
		    "digest");
		text_hex_to(hex, md, 32);
		(void)fprintf(l->log, "%s %zu %s\n", s.id, i, hex);
	}
	(void)fflush(l->log);
	api_sign_answer_clear(&s);
}

static int
load(struct fake *f, size_t concurrent, size_t batch, uint64_t ms, const char *log_path)
{
	struct load l = {.f = f, .batch = batch};
	uint64_t begun = clock_ns(), until = clock_ms() + ms;
	size_t open = 0;
	struct frame frame;
	struct answer a;
	double seconds;

	need(concurrent <= CONCURRENT_MAX &&
		 getrandom(&l.run, sizeof(l.run), 0) == sizeof(l.run),
	    "options");
	f->ask.route = ASK_SIGN;
	if (log_path != NULL)
		need((l.log = fopen(log_path, "ae")) != NULL, "log");
	for (; open < concurrent; open++)
		send_one(&l, open);
	while (open > 0 && next_answer(f, &frame, &a)) {
		/* failed at the token, too: that is an answer for each item */
		bool decided = a.type == ANSWER_JSON && a.status != 202;

		if (decided)
			l.got_items += batch;
		else if (l.other++ == 0)
			(void)fprintf(stderr, "%u %.*s\n", a.status, (int)a.body.len,
			    (const char *)a.body.p);
		if (decided && l.log != NULL)
			log_answer(&l, &a);
		if (clock_ms() < until)
			send_one(&l, frame.id);
		else
			open--;
	}
	seconds = (double)(clock_ns() - begun) / 1e9;
	(void)printf("%llu %.3f %.0f others %llu\n", (unsigned long long)l.got_items,
	    seconds, (double)l.got_items / seconds, (unsigned long long)l.other);
	for (size_t i = 0; i < CONCURRENT_MAX; i++)
		buf_clear(&l.bodies[i]);
	if (l.log != NULL)
		(void)fclose(l.log);
	return open > 0 ? 3 : 0; /* the keeper has gone, without all answers */
}

static uint64_t
number(const char *s)
{
	struct kd_err e = {0};
	uint64_t v = 0;

	if (!kd_parse_u64(s, 0, 1000000, &v, &e))
		die(&e);
	return v;
}

static enum ask_route
route_of(const char *name)
{
	static const char *const names[] = {[ASK_KEYS] = "keys",
	    [ASK_KEY] = "key",
	    [ASK_SIGN] = "sign",
	    [ASK_SIGNATURE] = "get",
	    [ASK_READY] = "ready",
	    [ASK_METRICS] = "metrics"};

	for (unsigned i = ASK_KEYS; i <= ASK_METRICS; i++)
		if (strcmp(names[i], name) == 0)
			return (enum ask_route)i;
	need(false, "route: keys key sign get ready metrics");
	return ASK_READY;
}

static void
read_body(struct buf *body)
{
	char part[4096];
	size_t n;

	while ((n = fread(part, 1, sizeof(part), stdin)) > 0)
		buf_add(body, part, n);
}

static void
set_chain(struct fake *f, const char *path)
{
	struct kd_err e = {0};

	if (!certs_new(&f->chain, &e) || !certs_load(f->chain, path, &e))
		die(&e);
	for (f->ask.chain_n = 0; f->ask.chain_n < certs_n(f->chain); f->ask.chain_n++) {
		struct der *d = &f->ask.chain[f->ask.chain_n];

		d->p = certs_der(f->chain, f->ask.chain_n, &d->len);
	}
}

int
main(int argc, char **argv)
{
	struct fake f = {
	    .fd = -1, .in.max_payload = ANSWER_MAX, .ask.deadline_ms = 30000};
	uint64_t concurrent = 1, batch = 1, ms = 1000;
	const char *socket_path = NULL, *log_path = NULL;
	AUTO(buf_clear) struct buf body = {0};
	struct kd_err e = {0};
	int c, status;

	log_init("fake-front", LOG_L_INFO);
	(void)snprintf(f.ask.request_id, sizeof(f.ask.request_id), "%032x", 0xabcu);
	(void)snprintf(f.ask.peer, sizeof(f.ask.peer), "192.0.2.7:51234");
	f.ask.local = true;
	while ((c = getopt(argc, argv, "s:c:d:w:n:b:t:l:")) != -1) {
		if (c == 's')
			socket_path = optarg;
		else if (c == 'c')
			set_chain(&f, optarg);
		else if (c == 'd')
			f.ask.deadline_ms = (uint32_t)number(optarg);
		else if (c == 'w')
			f.ask.wait_ms = (uint32_t)number(optarg);
		else if (c == 'n')
			concurrent = number(optarg);
		else if (c == 'b')
			batch = number(optarg);
		else if (c == 't')
			ms = number(optarg);
		else if (c == 'l')
			log_path = optarg;
	}
	f.ask.local = f.ask.chain_n == 0;
	need(socket_path != NULL && optind < argc, "-s SOCKET and a route");
	if (!sock_connect_unix(socket_path, &f.fd, &e))
		die(&e);
	if (strcmp(argv[optind], "load") == 0) {
		status = load(&f, concurrent, batch, ms, log_path);
	} else {
		f.ask.route = route_of(argv[optind]);
		if (optind + 1 < argc)
			(void)snprintf(
			    f.ask.target, sizeof(f.ask.target), "%s", argv[optind + 1]);
		if (f.ask.route == ASK_SIGN)
			read_body(&body);
		f.ask.body = (struct der){.p = body.p, .len = body.len};
		status = ask_once(&f);
	}
	(void)close(f.fd);
	certs_free(f.chain);
	frame_in_clear(&f.in);
	frame_out_clear(&f.out);
	return status;
}
