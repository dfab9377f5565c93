/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/keeper/fake_signer_tool.c - a signer with a key file: what kdsign-signer
 * says, on command. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/sock.h"
#include "wire/frame.h"
#include "wire/signer_msg.h"

/*
 * The journal gets one line per job heard, before anything else happens: the digest. It
 *is the ground truth of what a token would have signed. The mode file says how to behave,
 *read anew for each job: sign     sign it bad      answer a signature of something else
 *	hang     answer nothing until the mode changes
 *	fail     heard, CKR_DEVICE_ERROR
 *	unheard  refused before anything was begun
 *	drop     close the connection
 */
#define HELD_MAX 4096
#define MEMO 4096 /* signatures remembered by digest, with --instant */

struct memo {
	uint8_t digest[MD_LEN_MAX];
	uint8_t sig[SIGNER_SIGNATURE_MAX];
	size_t len;
};

struct fake {
	EVP_PKEY *key;
	const char *name, *mode_file;
	int journal;
	uint32_t rest_ms; /* not 0: its token is away, and looked for that much later */
	bool instant;
	struct memo *memo;
	int fd; /* the keeper's connection */
	struct frame_in in;
	struct frame_out out;
	struct held {
		uint64_t id;
		struct sign_job job;
	} held[HELD_MAX];
	size_t held_n;
};

static void
die(const struct kd_err *e)
{
	log_err(LOG_L_ERROR, e);
	exit(1);
}

static void
need(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "fake signer: %s\n", what);
	exit(1);
}

static const EVP_MD *
evp_of(enum md md)
{
	return EVP_get_digestbyname(md_name(md));
}

static void
sign(struct fake *f, const struct sign_job *job, struct sign_result *res)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(f->key, NULL);

	res->signature_len = sizeof(res->signature);
	need(EVP_PKEY_sign_init(ctx) == 1, "sign_init");
	if (job->mechanism == SIGN_RSA_PKCS1)
		need(
		    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1, "padding");
	need(EVP_PKEY_CTX_set_signature_md(ctx, evp_of(job->md)) == 1, "md");
	need(EVP_PKEY_sign(ctx, res->signature, &res->signature_len, job->digest,
		 md_len(job->md)) == 1,
	    "sign");
	EVP_PKEY_CTX_free(ctx);
}

/* The null token: what was signed once is answered from memory. */
static void
sign_instantly(struct fake *f, const struct sign_job *job, struct sign_result *res)
{
	struct memo *m =
	    &f->memo[(job->digest[0] | (unsigned)job->digest[1] << 8) % MEMO];

	if (m->len == 0 || memcmp(m->digest, job->digest, sizeof(m->digest)) != 0) {
		sign(f, job, res);
		memcpy(m->digest, job->digest, sizeof(m->digest));
		memcpy(m->sig, res->signature, res->signature_len);
		m->len = res->signature_len;
		return;
	}
	memcpy(res->signature, m->sig, m->len);
	res->signature_len = m->len;
}

static void
read_mode(const struct fake *f, char *dst, size_t room)
{
	ssize_t n = 0;
	int fd = f->mode_file != NULL ? open(f->mode_file, O_RDONLY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		n = read(fd, dst, room - 1);
		(void)close(fd);
	}
	dst[n > 0 ? n : 0] = '\0';
	dst[strcspn(dst, "\n")] = '\0';
}

static void
answer(struct fake *f, uint64_t id, const struct sign_result *res)
{
	struct kd_err e = {0};
	size_t mark = frame_out_begin(&f->out, FRAME_SIGNATURE, id);

	sign_result_encode(res, &f->out.buf);
	if (!frame_out_end(&f->out, mark, &e))
		die(&e);
}

/* False: the connection is to be dropped. */
static bool
do_job(struct fake *f, uint64_t id, const struct sign_job *job, const char *mode)
{
	static struct sign_result res;

	memset(&res, 0, offsetof(struct sign_result, signature));
	res.signature_len = 0;
	if (strcmp(mode, "hang") == 0) {
		need(f->held_n < HELD_MAX, "too many jobs held");
		f->held[f->held_n++] = (struct held){.id = id, .job = *job};
		return true;
	}
	if (strcmp(mode, "drop") == 0)
		return false;
	if (strcmp(mode, "fail") == 0) {
		res.code = KD_E_TOKEN;
		res.heard = true;
		res.ckr = 0x30;
		(void)snprintf(res.detail, sizeof(res.detail), "CKR_DEVICE_ERROR");
	} else if (strcmp(mode, "unheard") == 0) {
		res.code = KD_E_BUSY;
		(void)snprintf(res.detail, sizeof(res.detail), "no session");
	} else {
		res.heard = true;
		res.token_us = 7;
		if (f->instant)
			sign_instantly(f, job, &res);
		else
			sign(f, job, &res);
		if (strcmp(mode, "bad") == 0)
			res.signature[9] ^= 1;
	}
	answer(f, id, &res);
	return true;
}

static void
write_journal(const struct fake *f, const struct sign_job *job)
{
	char line[2 * MD_LEN_MAX + 2];
	size_t n = md_len(job->md);

	if (f->journal < 0)
		return;
	for (size_t i = 0; i < n; i++)
		(void)snprintf(line + 2 * i, 3, "%02x", job->digest[i]);
	line[2 * n] = '\n';
	need(write(f->journal, line, 2 * n + 1) == (ssize_t)(2 * n + 1), "journal");
}

static void send_state(struct fake *f);

/* A key in quarantine; this one is let out at once. */
static void
take_bad(struct fake *f, const struct frame *frame)
{
	struct kd_err e = {0};
	struct sign_bad bad;

	if (!sign_bad_decode(frame->payload, &bad, &e))
		die(&e);
	(void)fprintf(stderr, "bad %s: %s\n", bad.key, bad.detail);
	send_state(f);
}

static void
answer_ping(struct fake *f, const struct frame *frame)
{
	struct kd_err e = {0};
	size_t mark = frame_out_begin(&f->out, FRAME_PONG, frame->id);

	if (!frame_out_end(&f->out, mark, &e))
		die(&e);
}

static bool
take_jobs(struct fake *f)
{
	struct kd_err e = {0};
	struct sign_job job;
	struct frame frame;
	char mode[16];
	bool have;

	read_mode(f, mode, sizeof(mode));
	while (frame_in_next(&f->in, &have, &frame, &e) && have) {
		if (frame.type == FRAME_BAD) {
			take_bad(f, &frame);
			continue;
		}
		if (frame.type == FRAME_PING) {
			answer_ping(f, &frame);
			continue;
		}
		if (!sign_job_decode(frame.payload, &job, &e))
			die(&e);
		if (strcmp(mode, "unheard") != 0)
			write_journal(f, &job);
		if (!do_job(f, frame.id, &job, mode))
			return false;
	}
	if (e.code != KD_OK)
		die(&e);
	return true;
}

static void
release_held(struct fake *f)
{
	size_t n = f->held_n;
	char mode[16];

	read_mode(f, mode, sizeof(mode));
	if (n == 0 || strcmp(mode, "hang") == 0)
		return;
	f->held_n = 0;
	for (size_t i = 0; i < n; i++)
		(void)do_job(f, f->held[i].id, &f->held[i].job, mode);
}

static void
send_state(struct fake *f)
{
	struct signer_key key = {
	    .ready = true, .attrs = KEY_ATTR_SENSITIVE | KEY_ATTR_LOCAL};
	struct signer_state s = {.token = f->rest_ms > 0 ? TOKEN_ABSENT : TOKEN_READY,
	    .retry_ms = f->rest_ms,
	    .label = "fake",
	    .serial = "0001",
	    .sessions = 4,
	    .keys = &key,
	    .keys_n = 1};
	struct kd_err e = {0};
	uint8_t *spki = NULL;
	int len = i2d_PUBKEY(f->key, &spki);
	size_t mark;

	need(len > 0 && len <= SIGNER_SPKI_MAX, "public key");
	(void)snprintf(key.name, sizeof(key.name), "%s", f->name);
	key.mechanism = EVP_PKEY_is_a(f->key, "RSA") ? SIGN_RSA_PKCS1 : SIGN_ECDSA;
	key.bits = (uint16_t)EVP_PKEY_get_bits(f->key);
	memcpy(key.spki, spki, (size_t)len);
	key.spki_len = (size_t)len;
	OPENSSL_free(spki);
	mark = frame_out_begin(&f->out, FRAME_STATE, 0);
	signer_state_encode(&s, &f->out.buf);
	if (!frame_out_end(&f->out, mark, &e))
		die(&e);
}

static void
serve(struct fake *f)
{
	struct kd_err e = {0};
	bool eof = false;

	send_state(f);
	while (!eof && frame_out_flush(&f->out, f->fd, &e)) {
		struct pollfd p = {.fd = f->fd,
		    .events =
			(short)(POLLIN | (frame_out_pending(&f->out) > 0 ? POLLOUT : 0))};

		need(poll(&p, 1, f->held_n > 0 ? 20 : -1) >= 0 || errno == EINTR, "poll");
		release_held(f);
		if ((p.revents & (POLLIN | POLLHUP)) == 0)
			continue;
		if (!frame_in_fill(&f->in, f->fd, &eof, &e) || !take_jobs(f))
			break;
	}
	(void)close(f->fd);
	frame_in_clear(&f->in);
	frame_out_clear(&f->out);
	f->in.max_payload = 65536;
	f->held_n = 0;
}

static EVP_PKEY *
read_key(const char *path)
{
	FILE *file = fopen(path, "re");
	EVP_PKEY *key = file != NULL ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;

	need(key != NULL, "no private key");
	(void)fclose(file);
	return key;
}

int
main(int argc, char **argv)
{
	static struct fake f = {.journal = -1, .in.max_payload = 65536};
	const char *socket_path = NULL;
	struct kd_err e = {0};
	int c, listener = -1;

	while ((c = getopt(argc, argv, "s:k:n:j:m:r:i")) != -1) {
		if (c == 's')
			socket_path = optarg;
		else if (c == 'k')
			f.key = read_key(optarg);
		else if (c == 'n')
			f.name = optarg;
		else if (c == 'j')
			f.journal =
			    open(optarg, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		else if (c == 'm')
			f.mode_file = optarg;
		else if (c == 'r')
			f.rest_ms = (uint32_t)strtoul(optarg, NULL, 10);
		else
			f.instant = c == 'i';
	}
	need(socket_path != NULL && f.key != NULL && f.name != NULL,
	    "-s SOCKET -k KEY -n NAME");
	f.memo = kd_alloc_array(MEMO, sizeof(*f.memo));
	log_init("fake-signer", LOG_L_INFO);
	if (f.memo == NULL || !sock_listen_unix(socket_path, 0600, &listener, &e))
		die(&e);
	for (;;) {
		struct pollfd p = {.fd = listener, .events = POLLIN};

		need(poll(&p, 1, -1) >= 0 || errno == EINTR, "poll");
		f.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (f.fd >= 0)
			serve(&f);
	}
}
