/* SPDX-License-Identifier: Apache-2.0 */
/* fake_keeper.c - answers the front in tests: notes every ask, answers as the ask's body
 * says. */
#include "config.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/builder.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "base/service.h"
#include "base/sock.h"
#include "wire/frame.h"
#include "wire/front_msg.h"

#define ASK_BYTES_MAX ((size_t)64 << 20)
#define LATER_MAX 256
#define TICK_MS 10

/*
 * What the body of a POST may say: "%hang" is never answered, "%sleep" one second later,
 * "%big" with 4 MiB, "%die" ends this process, "%lie" with bytes that are no frame,
 * "%grant" with the answer that is to POST /v1/timestamps alone. GET
 * /v1/signatures/{id}?wait=S is answered after S seconds. All else at once.
 */
struct later {
	uint64_t id, due_ms;
};

struct fake {
	int listener, fd, log_fd;
	struct frame_in in;
	struct frame_out out;
	struct later later[LATER_MAX];
	size_t later_n;
};

static bool
body_has(const struct ask *a, const char *word)
{
	return a->body.len > 0 &&
	       memmem(a->body.p, a->body.len, word, strlen(word)) != NULL;
}

static bool
answer_send(struct fake *k, uint64_t id, const struct answer *a, struct kd_err *e)
{
	size_t mark = frame_out_begin(&k->out, FRAME_ANSWER, id);

	answer_encode(a, &k->out.buf);
	return frame_out_end(&k->out, mark, e);
}

static bool
answer_text(struct fake *k, uint64_t id, uint16_t status, enum answer_type type,
    const void *p, size_t n, struct kd_err *e)
{
	struct answer a = {.status = status, .type = type, .body = {.p = p, .len = n}};

	return answer_send(k, id, &a, e);
}

static void
note(const struct fake *k, const struct ask *a)
{
	char line[512];
	int n = snprintf(line, sizeof(line),
	    "route=%d id=%s target=%s peer=%s local=%d chain=%zu body=%zu deadline=%u "
	    "wait=%u\n",
	    (int)a->route, a->request_id, a->target, a->peer, a->local, a->chain_n,
	    a->body.len, a->deadline_ms, a->wait_ms);

	if (write(k->log_fd, line, (size_t)n) != n)
		exit(74);
}

static bool
ask_take(struct fake *k, const struct frame *f, struct kd_err *e)
{
	static uint8_t big[4 << 20];
	struct ask a = {0};
	uint64_t delay = 0;

	if (f->type == FRAME_PING)
		return frame_out_end(
		    &k->out, frame_out_begin(&k->out, FRAME_PONG, f->id), e);
	if (!ask_decode(f->payload, &a, e))
		return false;
	note(k, &a);
	if (body_has(&a, "%die"))
		exit(0);
	if (body_has(&a, "%hang"))
		return true;
	if (body_has(&a, "%lie")) {
		buf_str(&k->out.buf, "GET / HTTP/1.1 is no frame");
		return true;
	}
	if (a.route == ASK_TIMESTAMP || body_has(&a, "%grant"))
		return answer_text(k, f->id, 200, ANSWER_GRANT,
		    "0123456789abcdef0123456789abcdef", ANSWER_GRANT_LEN, e);
	if (a.route == ASK_METRICS)
		return answer_text(
		    k, f->id, 200, ANSWER_TEXT, "kdsign_keeper_up 1\n", 19, e);
	if (body_has(&a, "%big")) {
		memset(big, ' ', sizeof(big));
		return answer_text(k, f->id, 200, ANSWER_JSON, big, sizeof(big), e);
	}
	if (body_has(&a, "%sleep"))
		delay = 1000;
	else if (a.route == ASK_SIGNATURE)
		delay = a.wait_ms;
	if (delay == 0)
		return answer_text(k, f->id, 200, ANSWER_JSON, "{}", 2, e);
	if (k->later_n == LATER_MAX)
		return kd_fail(e, KD_E_BUSY, "too many delayed answers");
	k->later[k->later_n++] = (struct later){f->id, clock_ms() + delay};
	return true;
}

static bool
later_send(struct fake *k, struct kd_err *e)
{
	size_t i = 0;

	while (i < k->later_n) {
		if (clock_left(k->later[i].due_ms) > 0) {
			i++;
			continue;
		}
		if (!answer_text(
			k, k->later[i].id, 200, ANSWER_JSON, "{\"late\":true}", 13, e))
			return false;
		k->later[i] = k->later[--k->later_n];
	}
	return true;
}

/* One connection until the front closes it. */
static bool
serve(struct fake *k, struct kd_err *e)
{
	bool eof = false, have;
	struct frame f;

	while (!eof) {
		struct pollfd p = {.fd = k->fd, .events = POLLIN};

		if (frame_out_pending(&k->out) > 0)
			p.events |= POLLOUT;
		(void)poll(&p, 1, k->later_n > 0 ? TICK_MS : -1);
		if (p.revents != 0 && !frame_in_fill(&k->in, k->fd, &eof, e))
			return false;
		do {
			if (!frame_in_next(&k->in, &have, &f, e) ||
			    (have && !ask_take(k, &f, e)))
				return false;
		} while (have);
		if (!later_send(k, e) || !frame_out_flush(&k->out, k->fd, e))
			return false;
	}
	return true;
}

static bool
run(const char *path, const char *role, struct fake *k, struct kd_err *e)
{
	k->listener = service_listen_fd(role);
	if (k->listener < 0 && !sock_listen_unix(path, 0600, &k->listener, e))
		return false;
	service_ready("fake");
	for (;;) {
		struct kd_err lost = {0};
		struct pollfd p = {.fd = k->listener, .events = POLLIN};

		(void)poll(&p, 1, -1);
		k->fd = accept4(k->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (k->fd < 0)
			continue;
		k->in = (struct frame_in){.max_payload = ASK_BYTES_MAX};
		if (!serve(k, &lost))
			log_err(LOG_L_WARN, &lost);
		frame_in_clear(&k->in);
		frame_out_clear(&k->out);
		k->later_n = 0;
		(void)close(k->fd);
	}
}

int
main(int argc, char **argv)
{
	static struct fake k;
	struct kd_err e = {0};

	if (argc < 2 || argc > 3) {
		(void)fputs("usage: fake_keeper SOCKET [NAME] >LOG\n"
			    "NAME: of a socket that is passed in; by default keeper\n", stderr);
		return 64;
	}
	log_init("fake_keeper", LOG_L_INFO);
	k.log_fd = STDOUT_FILENO;
	if (run(argv[1], argc == 3 ? argv[2] : "keeper", &k, &e))
		return 0;
	log_err(LOG_L_ERROR, &e);
	return 1;
}
