/* SPDX-License-Identifier: Apache-2.0 */
/* tests/torture/pace.c - requests at a steady pace through the keeper's socket, whatever
 * comes back: what each was told, and after how long. */
#include "config.h"

#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "authenticode/cert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/sock.h"
#include "wire/api.h"
#include "wire/frame.h"
#include "wire/front_msg.h"

/*
 *	pace -s SOCKET -c CHAIN.pem -k KEY[,KEY...] -n NUMBER [-r PER-SECOND] [-o OPEN]
 *	     [-d DEADLINE-MS] [-l FILE]
 *
 * NUMBER requests of one item, the keys in turn. With -r one is sent each so often, and its
 * time runs from the moment it was due; with -o so many are under way at a time. FILE gets
 * one line for each: "id key status code us"; code is "signed" for a signature. Printed is
 * a line for each key:
 * "key=NAME n=N signed=N status.503=N ... p50_us=N p90_us=N p99_us=N max_us=N".
 */
#define ANSWER_MAX ((size_t)64 << 20)
#define KEYS_MAX 8
#define STATUS_END 600
#define PATIENCE_MS 60000 /* for the last answers */
#define NS_PER_S 1000000000u

struct sent {
	uint64_t due_ns, us;
	uint16_t status; /* 0: no answer yet */
	bool is_signed;
	char code[40];
};

struct pace {
	int fd;
	struct frame_in in;
	struct frame_out out;
	struct certs *chain;
	struct ask ask;
	const char *socket_path, *log_path;
	char *keys[KEYS_MAX];
	size_t keys_n;
	struct sent *sent;
	uint64_t n, next, answered, rate, open, run, begun_ns;
};

static void
die(const struct kd_err *e)
{
	log_err(LOG_L_ERROR, e);
	exit(2);
}

static void
need(bool good, const char *what)
{
	if (good)
		return;
	(void)fprintf(stderr, "pace: %s\n", what);
	exit(2);
}

static void
id_of(const struct pace *p, uint64_t i, char ret[API_ID_MAX + 1])
{
	(void)snprintf(ret, API_ID_MAX + 1, "pace-%016llx-%08llu",
	    (unsigned long long)p->run, (unsigned long long)i);
}

/* A digest that nobody asks for again. */
static void
send_one(struct pace *p, uint64_t due_ns)
{
	struct api_item item = {.kind = API_KIND_PE, .md = MD_SHA256, .size = 6680};
	struct api_sign_request r = {.items = &item, .items_n = 1};
	AUTO(buf_clear) struct buf body = {0};
	struct kd_err e = {0};
	size_t mark;

	item.name = kd_strdup("driver.sys");
	memcpy(item.digest, (uint64_t[]){p->next, p->run, 1, 2}, 32);
	id_of(p, p->next, r.id);
	(void)snprintf(r.key, sizeof(r.key), "%s", p->keys[p->next % p->keys_n]);
	api_sign_request_encode(&r, &body);
	p->ask.body = (struct der){.p = body.p, .len = body.len};
	p->sent[p->next].due_ns = due_ns;
	mark = frame_out_begin(&p->out, FRAME_ASK, p->next);
	ask_encode(&p->ask, &p->out.buf);
	if (!frame_out_end(&p->out, mark, &e))
		die(&e);
	free(item.name);
	p->next++;
}

/* The first code in a JSON text, whichever form it has; "" when there is none. */
static void
copy_code(const struct der *body, char *dst, size_t n)
{
	static const char member[] = "\"code\":\"";
	AUTO(buf_clear) struct buf text = {0};
	const char *at;

	buf_add(&text, body->p, body->len);
	at = buf_cstr(&text) != NULL ? strstr(buf_cstr(&text), member) : NULL;
	if (at != NULL)
		at += sizeof(member) - 1;
	(void)snprintf(dst, n, "%.*s", at != NULL ? (int)strcspn(at, "\"") : 0,
	    at != NULL ? at : "");
}

static void
take(struct pace *p, const struct frame *f)
{
	struct sent *s = &p->sent[f->id];
	struct kd_err e = {0};
	struct answer a;

	need(f->id < p->next && s->status == 0, "an answer that nobody waits for");
	if (!answer_decode(f->payload, &a, &e))
		die(&e);
	s->us = (clock_ns() - s->due_ns) / 1000;
	s->status = a.status;
	copy_code(&a.body, s->code, sizeof(s->code));
	s->is_signed = a.status == 200 && s->code[0] == '\0';
	p->answered++;
}

static void
receive(struct pace *p, uint64_t until_ns)
{
	struct pollfd pfd = {.fd = p->fd, .events = POLLIN};
	uint64_t now = clock_ns();
	struct timespec wait = {0};
	struct kd_err e = {0};
	struct frame f;
	bool have, eof = false;

	if (!frame_out_flush(&p->out, p->fd, &e))
		die(&e);
	if (frame_out_pending(&p->out) > 0)
		pfd.events |= POLLOUT;
	if (until_ns > now) {
		wait.tv_sec = (time_t)((until_ns - now) / NS_PER_S);
		wait.tv_nsec = (long)((until_ns - now) % NS_PER_S);
	}
	if (ppoll(&pfd, 1, &wait, NULL) <= 0 || (pfd.revents & ~POLLOUT) == 0)
		return;
	if (!frame_in_fill(&p->in, p->fd, &eof, &e))
		die(&e);
	need(!eof, "the keeper has ended");
	do {
		if (!frame_in_next(&p->in, &have, &f, &e))
			die(&e);
		if (have)
			take(p, &f);
	} while (have);
}

static void
run(struct pace *p)
{
	uint64_t last = clock_ns() + (uint64_t)PATIENCE_MS * 1000000, due;

	p->begun_ns = clock_ns();
	while (p->answered < p->n) {
		due = last;
		if (p->next < p->n && p->rate > 0)
			due = p->begun_ns + p->next * NS_PER_S / p->rate;
		else if (p->next < p->n && p->next - p->answered < p->open)
			due = clock_ns();
		if (p->next < p->n && due <= clock_ns()) {
			send_one(p, due);
			last = clock_ns() + (uint64_t)PATIENCE_MS * 1000000;
			continue;
		}
		need(clock_ns() < last, "no answer in a minute");
		receive(p, due);
	}
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
report(const struct pace *p, size_t key)
{
	uint64_t *us = calloc(p->n + 1, sizeof(*us)), n = 0, good = 0;
	static unsigned statuses[KEYS_MAX][STATUS_END];

	need(us != NULL, "memory");
	for (uint64_t i = key; i < p->n; i += p->keys_n) {
		us[n++] = p->sent[i].us;
		good += p->sent[i].is_signed;
		statuses[key][p->sent[i].status % STATUS_END]++;
	}
	qsort(us, n, sizeof(*us), compare);
	(void)printf("key=%s n=%llu signed=%llu", p->keys[key], (unsigned long long)n,
	    (unsigned long long)good);
	for (unsigned i = 0; i < STATUS_END; i++)
		if (statuses[key][i] > 0)
			(void)printf(" status.%u=%u", i, statuses[key][i]);
	if (n > 0)
		(void)printf(" p50_us=%llu p90_us=%llu p99_us=%llu max_us=%llu",
		    (unsigned long long)us[n / 2], (unsigned long long)us[n * 9 / 10],
		    (unsigned long long)us[n * 99 / 100], (unsigned long long)us[n - 1]);
	(void)putchar('\n');
	free(us);
}

static void
write_log(const struct pace *p, const char *path)
{
	FILE *f = fopen(path, "ae");

	need(f != NULL, "log");
	for (uint64_t i = 0; i < p->n; i++) {
		const struct sent *s = &p->sent[i];
		char id[API_ID_MAX + 1];

		id_of(p, i, id);
		(void)fprintf(f, "%s %s %u %s %llu\n", id, p->keys[i % p->keys_n],
		    s->status, s->is_signed ? "signed" : s->code,
		    (unsigned long long)s->us);
	}
	need(fclose(f) == 0, "log");
}

static void
set_chain(struct pace *p, const char *path)
{
	struct kd_err e = {0};

	if (!certs_new(&p->chain, &e) || !certs_load(p->chain, path, &e))
		die(&e);
	for (p->ask.chain_n = 0; p->ask.chain_n < certs_n(p->chain); p->ask.chain_n++) {
		struct der *d = &p->ask.chain[p->ask.chain_n];

		d->p = certs_der(p->chain, p->ask.chain_n, &d->len);
	}
}

static uint64_t
number(const char *s)
{
	struct kd_err e = {0};
	uint64_t v = 0;

	if (!kd_parse_u64(s, 1, 10000000, &v, &e))
		die(&e);
	return v;
}

static void
set_keys(struct pace *p, char *list)
{
	char *rest = NULL;

	for (char *k = strtok_r(list, ",", &rest); k != NULL;
	     k = strtok_r(NULL, ",", &rest)) {
		need(p->keys_n < KEYS_MAX, "fewer keys");
		p->keys[p->keys_n++] = k;
	}
}

static void
set_option(struct pace *p, int c, char *value)
{
	switch (c) {
	case 's':
		p->socket_path = value;
		break;
	case 'l':
		p->log_path = value;
		break;
	case 'c':
		set_chain(p, value);
		break;
	case 'k':
		set_keys(p, value);
		break;
	case 'n':
		p->n = number(value);
		break;
	case 'r':
		p->rate = number(value);
		break;
	case 'o':
		p->open = number(value);
		break;
	case 'd':
		p->ask.deadline_ms = (uint32_t)number(value);
		break;
	default:
		need(false, "unknown option");
	}
}

int
main(int argc, char **argv)
{
	static struct pace p = {
	    .in.max_payload = ANSWER_MAX, .ask.deadline_ms = 30000, .open = 1};
	struct kd_err e = {0};
	int c;

	log_init("pace", LOG_L_INFO);
	(void)snprintf(p.ask.request_id, sizeof(p.ask.request_id), "%032x", 0xabcu);
	(void)snprintf(p.ask.peer, sizeof(p.ask.peer), "192.0.2.7:51234");
	p.ask.route = ASK_SIGN;
	while ((c = getopt(argc, argv, "s:c:k:n:r:o:d:l:")) != -1)
		set_option(&p, c, optarg);
	need(p.socket_path != NULL && p.chain != NULL && p.keys_n > 0 && p.n > 0,
	    "-s SOCKET -c CHAIN -k KEY -n NUMBER");
	p.sent = calloc(p.n, sizeof(*p.sent));
	need(p.sent != NULL && getrandom(&p.run, sizeof(p.run), 0) == sizeof(p.run),
	    "memory");
	if (!sock_connect_unix(p.socket_path, &p.fd, &e))
		die(&e);
	run(&p);
	for (size_t i = 0; i < p.keys_n; i++)
		report(&p, i);
	if (p.log_path != NULL)
		write_log(&p, p.log_path);
	(void)close(p.fd);
	certs_free(p.chain);
	frame_in_clear(&p.in);
	frame_out_clear(&p.out);
	free(p.sent);
	return 0;
}
