/* SPDX-License-Identifier: Apache-2.0 */
/* tests/e2e/signer_client.c - the keeper's side of the signer's socket, for tests and
 * measuring. */
#include "config.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/num.h"
#include "base/own.h"
#include "base/sock.h"
#include "base/text.h"
#include "wire/frame.h"
#include "wire/signer_msg.h"

#define JOB_DEADLINE_MS 20000
#define EXIT_USAGE 64

struct link {
	int fd;
	struct frame_in in;
	struct frame_out out;
	uint64_t end_ms; /* of the whole command */
};

static bool
link_open(struct link *l, const char *path, uint64_t wait_ms, struct kd_err *e)
{
	l->in.max_payload = (size_t)1 << 20;
	l->end_ms = clock_ms() + wait_ms;
	return sock_connect_unix(path, &l->fd, e);
}

/* The next frame; flushes what is waiting meanwhile. */
static bool
link_next(struct link *l, struct frame *ret, struct kd_err *e)
{
	for (;;) {
		struct pollfd pfd = {.fd = l->fd, .events = POLLIN};
		bool have, eof;

		if (!frame_out_flush(&l->out, l->fd, e) ||
		    !frame_in_next(&l->in, &have, ret, e))
			return false;
		if (have)
			return true;
		if (frame_out_pending(&l->out) > 0)
			pfd.events |= POLLOUT;
		if (poll(&pfd, 1, clock_left(l->end_ms)) == 0)
			return kd_fail(e, KD_E_UNREACHABLE, "no answer in time");
		if (!frame_in_fill(&l->in, l->fd, &eof, e))
			return false;
		if (eof &&
		    rd_left(&(struct rd){.len = l->in.buf.len, .pos = l->in.pos}) == 0)
			return kd_fail(
			    e, KD_E_UNREACHABLE, "the signer closed the connection");
	}
}

static void
print_state(const struct signer_state *s)
{
	(void)printf(
	    "token=%s label=%s serial=%s sessions=%u pid=%u restarts=%u breaker=%s "
	    "opened=%u retry_ms=%u detail=%s\n",
	    token_state_name(s->token), s->label, s->serial, s->sessions, s->child_pid,
	    s->restarts, token_breaker_name(s->breaker), s->opened, s->retry_ms,
	    s->detail);
	for (size_t i = 0; i < s->keys_n; i++) {
		const struct signer_key *k = &s->keys[i];

		(void)printf(
		    "key=%s ready=%d mechanism=%d bits=%u attrs=%x spki=%zu detail=%s\n",
		    k->name, k->ready, (int)k->mechanism, k->bits, k->attrs, k->spki_len,
		    k->detail);
	}
}

static bool
next_state(struct link *l, struct signer_state *ret, struct kd_err *e)
{
	struct frame f;

	do {
		if (!link_next(l, &f, e))
			return false;
	} while (f.type != FRAME_STATE);
	signer_state_clear(ret);
	return signer_state_decode(f.payload, ret, e);
}

/* state [NAME]: print it, or wait until the token's state is NAME and no child is being
 * replaced. */
static bool
cmd_state(struct link *l, char **argv, struct kd_err *e)
{
	AUTO(signer_state_clear) struct signer_state s = {0};

	do {
		if (!next_state(l, &s, e)) {
			print_state(&s);
			return false;
		}
	} while (argv[0] != NULL && strcmp(token_state_name(s.token), argv[0]) != 0);
	print_state(&s);
	return true;
}

static const struct signer_key *
key_of(const struct signer_state *s, const char *name, struct kd_err *e)
{
	for (size_t i = 0; i < s->keys_n; i++) {
		if (strcmp(s->keys[i].name, name) == 0)
			return &s->keys[i];
	}
	(void)kd_fail(e, KD_E_KEY_UNKNOWN, "no key '%s'", SHOW(name));
	return NULL;
}

static bool
write_file(const char *path, const void *p, size_t n, struct kd_err *e)
{
	AUTO(file_replace_clear) struct file_replace r = {.fd = -1};

	return file_replace_begin(path, NULL, &r, e) && file_write_full(r.fd, p, n, e) &&
	       file_replace_commit(&r, false, e);
}

/* spki KEY FILE */
static bool
cmd_spki(struct link *l, char **argv, struct kd_err *e)
{
	AUTO(signer_state_clear) struct signer_state s = {0};
	const struct signer_key *k;

	do {
		if (!next_state(l, &s, e))
			return false;
	} while (s.token != TOKEN_READY);
	k = key_of(&s, argv[0], e);
	return k != NULL && write_file(argv[1], k->spki, k->spki_len, e);
}

static bool
send_job(struct link *l, uint64_t id, const struct sign_job *j, struct kd_err *e)
{
	size_t mark = frame_out_begin(&l->out, FRAME_SIGN, id);

	sign_job_encode(j, &l->out.buf);
	return frame_out_end(&l->out, mark, e);
}

static bool
next_result(struct link *l, uint64_t *ret_id, struct sign_result *ret, struct kd_err *e)
{
	struct frame f;

	do {
		if (!link_next(l, &f, e))
			return false;
	} while (f.type != FRAME_SIGNATURE);
	*ret_id = f.id;
	return sign_result_decode(f.payload, ret, e);
}

static bool
make_job(char **argv, struct sign_job *ret, struct kd_err *e)
{
	struct sign_job j = {.md = md_by_name(argv[2]), .deadline_ms = JOB_DEADLINE_MS};

	(void)snprintf(j.key, sizeof(j.key), "%s", argv[0]);
	j.mechanism = strcmp(argv[1], "ecdsa") == 0 ? SIGN_ECDSA : SIGN_RSA_PKCS1;
	if (j.md == MD_NONE)
		return kd_fail(e, KD_E_USAGE, "'%s': no digest algorithm", SHOW(argv[2]));
	*ret = j;
	return true;
}

/* sign KEY rsa|ecdsa MD HEX FILE */
static bool
cmd_sign(struct link *l, char **argv, struct kd_err *e)
{
	struct sign_result r;
	struct sign_job j;
	uint64_t id, began = clock_ms();

	if (!make_job(argv, &j, e) || !text_unhex(argv[3], j.digest, md_len(j.md), e) ||
	    !send_job(l, 7, &j, e) || !next_result(l, &id, &r, e))
		return false;
	(void)printf("id=%llu code=%s heard=%d ckr=0x%llx ms=%llu detail=%s\n",
	    (unsigned long long)id, kd_code_info(r.code)->name, r.heard,
	    (unsigned long long)r.ckr, (unsigned long long)(clock_ms() - began),
	    r.detail);
	if (r.code != KD_OK)
		return kd_fail(e, r.code, "%s", r.detail);
	return write_file(argv[4], r.signature, r.signature_len, e);
}

static void
print_counts(const unsigned *ok_codes, const unsigned *heard_codes)
{
	for (int c = 0; c < KD_CODES_N; c++) {
		if (ok_codes[c] > 0)
			(void)printf("code=%s count=%u heard=%u\n",
			    kd_code_info((enum kd_code)c)->name, ok_codes[c],
			    heard_codes[c]);
	}
}

/* load KEY rsa|ecdsa MD COUNT DEPTH: that many jobs, DEPTH of them at a time. */
static bool
cmd_load(struct link *l, char **argv, struct kd_err *e)
{
	unsigned codes[KD_CODES_N] = {0}, heard[KD_CODES_N] = {0};
	uint64_t count, depth, sent = 0, id, began, slowest = 0;
	struct sign_result r;
	struct sign_job j;

	if (!make_job(argv, &j, e) || !kd_parse_u64(argv[3], 1, 10000000, &count, e) ||
	    !kd_parse_u64(argv[4], 1, 4096, &depth, e))
		return false;
	began = clock_ns();
	for (uint64_t got = 0; got < count; got++) {
		uint64_t waited;

		for (; sent < count && sent - got < depth; sent++) {
			memcpy(j.digest, &sent, sizeof(sent));
			if (!send_job(l, sent, &j, e))
				return false;
		}
		waited = clock_ms();
		if (!next_result(l, &id, &r, e))
			return false;
		waited = clock_ms() - waited;
		slowest = waited > slowest ? waited : slowest;
		codes[r.code]++;
		heard[r.code] += r.heard;
	}
	print_counts(codes, heard);
	(void)printf("per_second=%.0f slowest_ms=%llu\n",
	    (double)count * 1e9 / (double)(clock_ns() - began),
	    (unsigned long long)slowest);
	return true;
}

static const struct command {
	const char *name;
	int args_min, args_max;
	bool (*run)(struct link *l, char **argv, struct kd_err *e);
} commands[] = {
    {"state", 0, 1, cmd_state},
    {"spki", 2, 2, cmd_spki},
    {"sign", 5, 5, cmd_sign},
    {"load", 5, 5, cmd_load},
};

int
main(int argc, char **argv)
{
	struct link l = {.fd = -1};
	struct kd_err e = {0};
	uint64_t seconds;
	bool done = false;

	log_init("signer_client", LOG_L_INFO);
	if (argc < 4 || !kd_parse_u64(argv[2], 1, 600, &seconds, &e)) {
		(void)fprintf(
		    stderr, "usage: signer_client SOCKET SECONDS COMMAND ...\n");
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < KD_ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];

		if (strcmp(c->name, argv[3]) != 0 || argc - 4 < c->args_min ||
		    argc - 4 > c->args_max)
			continue;
		done = link_open(&l, argv[1], seconds * 1000, &e) &&
		       c->run(&l, &argv[4], &e);
		if (!done)
			log_err(LOG_L_ERROR, &e);
	}
	if (l.fd >= 0)
		(void)close(l.fd);
	frame_in_clear(&l.in);
	frame_out_clear(&l.out);
	return done ? 0 : 1;
}
