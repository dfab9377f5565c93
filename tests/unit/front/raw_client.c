/* SPDX-License-Identifier: Apache-2.0 */
/* raw_client.c - sends bytes over TLS exactly as they stand in a file; says what came of
 * it. */
#include "config.h"

#include <getopt.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/builder.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/num.h"
#include "base/own.h"

static const char usage[] =
    "usage: raw_client --port N --cert PEM --key PEM [--drip MS] [--wait MS] [--deaf "
    "MS]\n"
    "                  [--mute] FILE\n"
    "       raw_client --port N --cert PEM --key PEM --repeat N --connections N FILE\n"
    "\n"
    "Writes what came back, then a last line: 'closed MS' or 'open MS'. With --drip one "
    "byte\n"
    "is sent every MS; with --deaf nothing is read for MS; with\n"
    "--mute not even the handshake begins. With --repeat the request in FILE is sent "
    "over and over and the last\n"
    "line says requests per second.\n";

struct options {
	uint64_t port, drip_ms, wait_ms, deaf_ms, repeat, connections;
	const char *cert, *key, *file;
	bool mute;
};

struct link {
	gnutls_certificate_credentials_t cred;
	gnutls_session_t s;
	int fd;
};

static void
link_close(struct link *l)
{
	if (l->s != NULL)
		gnutls_deinit(l->s);
	if (l->cred != NULL)
		gnutls_certificate_free_credentials(l->cred);
	close_auto(&l->fd);
}
AUTO_DEFINE_CLEAR(struct link, link_close);

static bool
link_open(const struct options *o, struct link *l, struct kd_err *e)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)o->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int rc;

	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&sa, sizeof(sa)) != 0)
		return kd_fail(e, KD_E_UNREACHABLE, "cannot connect");
	if (o->mute)
		return true;
	if (gnutls_certificate_allocate_credentials(&l->cred) < 0 ||
	    gnutls_certificate_set_x509_key_file(
		l->cred, o->cert, o->key, GNUTLS_X509_FMT_PEM) < 0 ||
	    gnutls_init(&l->s, GNUTLS_CLIENT) < 0 ||
	    gnutls_set_default_priority(l->s) < 0 ||
	    gnutls_credentials_set(l->s, GNUTLS_CRD_CERTIFICATE, l->cred) < 0)
		return kd_fail(e, KD_E_TLS, "cannot set up TLS");
	gnutls_transport_set_int(l->s, l->fd);
	do {
		rc = gnutls_handshake(l->s);
	} while (rc < 0 && gnutls_error_is_fatal(rc) == 0);
	if (rc < 0)
		return kd_fail(e, KD_E_TLS, "handshake: %s", gnutls_strerror(rc));
	return true;
}

static bool
send_all(struct link *l, const uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t done = gnutls_record_send(l->s, p, n);

		if (done == GNUTLS_E_AGAIN || done == GNUTLS_E_INTERRUPTED)
			continue;
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

/* What comes within ms, to standard output. False: the server ended the connection. */
static bool
receive(struct link *l, uint64_t ms)
{
	uint64_t end = clock_ms() + ms;
	char part[16384];

	for (;;) {
		struct pollfd p = {.fd = l->fd, .events = POLLIN};
		ssize_t n;

		if (gnutls_record_check_pending(l->s) == 0 &&
		    poll(&p, 1, clock_left(end)) <= 0)
			return true;
		n = gnutls_record_recv(l->s, part, sizeof(part));
		if (n > 0)
			(void)fwrite(part, 1, (size_t)n, stdout);
		else if (n == 0 || gnutls_error_is_fatal((int)n) != 0)
			return false;
	}
}

/* No TLS, no word: how long does the server bear it? */
static bool
mute_once(const struct options *o, struct kd_err *e)
{
	AUTO(link_close) struct link l = {.fd = -1};
	uint64_t start = clock_ms();
	struct pollfd p;
	int n;

	if (!link_open(o, &l, e))
		return false;
	p = (struct pollfd){.fd = l.fd, .events = POLLIN};
	n = poll(&p, 1, (int)o->wait_ms);
	printf("%s %llu\n", n > 0 ? "closed" : "open",
	    (unsigned long long)(clock_ms() - start));
	return true;
}

static bool
raw_once(const struct options *o, const struct buf *file, struct kd_err *e)
{
	AUTO(link_close) struct link l = {.fd = -1};
	uint64_t start = clock_ms();
	bool open = true;

	if (!link_open(o, &l, e))
		return false;
	if (o->drip_ms == 0)
		open = send_all(&l, file->p, file->len);
	for (size_t i = 0; open && o->drip_ms != 0 && i < file->len; i++)
		open = send_all(&l, file->p + i, 1) && receive(&l, o->drip_ms);
	if (o->deaf_ms != 0)
		(void)poll(NULL, 0, (int)o->deaf_ms);
	if (!receive(&l, o->wait_ms)) /* also what was said before it closed */
		open = false;
	printf("\n%s %llu\n", open ? "open" : "closed",
	    (unsigned long long)(clock_ms() - start));
	return true;
}

struct worker {
	pthread_t thread;
	const struct options *o;
	const struct buf *file;
	bool ok;
};

/* A response's whole length, or 0 while its header is not complete. */
static size_t
response_len(const char *p, size_t n)
{
	const char *end = memmem(p, n, "\r\n\r\n", 4);
	const char *len = memmem(p, n, "Content-Length: ", 16);
	size_t v = 0;

	if (end == NULL || len == NULL || len > end)
		return 0;
	for (len += 16; *len >= '0' && *len <= '9'; len++)
		v = v * 10 + (size_t)(*len - '0');
	return (size_t)(end - p) + 4 + v;
}

static bool
one_request(struct link *l, const struct buf *file)
{
	char in[65536];
	size_t n = 0, want = 0;

	if (!send_all(l, file->p, file->len))
		return false;
	do {
		ssize_t got = gnutls_record_recv(l->s, in + n, sizeof(in) - n);

		if (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED)
			continue; /* a blocking socket: after a session ticket, say */
		if (got <= 0)
			return false;
		n += (size_t)got;
		want = response_len(in, n);
	} while (want == 0 || n < want);
	return memcmp(in, "HTTP/1.1 200", 12) == 0;
}

static void *
work(void *cls)
{
	AUTO(link_close) struct link l = {.fd = -1};
	struct worker *w = cls;
	struct kd_err e = {0};

	w->ok = link_open(w->o, &l, &e);
	for (uint64_t i = 0; w->ok && i < w->o->repeat; i++)
		w->ok = one_request(&l, w->file);
	return NULL;
}

static bool
repeat(const struct options *o, const struct buf *file, struct kd_err *e)
{
	struct worker w[256];
	uint64_t start = clock_ms(), took;

	if (o->connections > KD_ARRAY_LEN(w))
		return kd_fail(e, KD_E_USAGE, "at most 256 connections");
	for (size_t i = 0; i < o->connections; i++) {
		w[i] = (struct worker){.o = o, .file = file};
		if (pthread_create(&w[i].thread, NULL, work, &w[i]) != 0)
			return kd_fail(e, KD_E_BUG, "no thread");
	}
	for (size_t i = 0; i < o->connections; i++) {
		(void)pthread_join(w[i].thread, NULL);
		if (!w[i].ok)
			(void)kd_fail(e, KD_E_UNREACHABLE, "a request failed");
	}
	took = clock_ms() - start;
	printf("%llu requests in %llu ms\n",
	    (unsigned long long)(o->repeat * o->connections), (unsigned long long)took);
	return e->code == KD_OK;
}

static bool
number_take(struct options *o, int c, struct kd_err *e)
{
	switch (c) {
	case 'p':
		return kd_parse_u64(optarg, 1, 65535, &o->port, e);
	case 'd':
		return kd_parse_u64(optarg, 0, 60000, &o->drip_ms, e);
	case 'w':
		return kd_parse_u64(optarg, 0, 60000, &o->wait_ms, e);
	case 'D':
		return kd_parse_u64(optarg, 0, 60000, &o->deaf_ms, e);
	case 'r':
		return kd_parse_u64(optarg, 1, 10000000, &o->repeat, e);
	case 'n':
		return kd_parse_u64(optarg, 1, 256, &o->connections, e);
	default:
		return kd_fail(e, KD_E_USAGE, "%s", usage);
	}
}

static bool
options_parse(int argc, char **argv, struct options *o, struct kd_err *e)
{
	static const struct option names[] = {{"port", 1, NULL, 'p'},
	    {"cert", 1, NULL, 'c'}, {"key", 1, NULL, 'k'}, {"drip", 1, NULL, 'd'},
	    {"wait", 1, NULL, 'w'}, {"deaf", 1, NULL, 'D'}, {"mute", 0, NULL, 'm'},
	    {"repeat", 1, NULL, 'r'}, {"connections", 1, NULL, 'n'}, {0}};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
		if (c == 'm')
			o->mute = true;
		else if (c == 'c')
			o->cert = optarg;
		else if (c == 'k')
			o->key = optarg;
		else if (!number_take(o, c, e))
			return false;
	if (optind + 1 != argc || o->cert == NULL || o->key == NULL || o->port == 0)
		return kd_fail(e, KD_E_USAGE, "%s", usage);
	o->file = argv[optind];
	return true;
}

int
main(int argc, char **argv)
{
	AUTO(buf_clear) struct buf file = {0};
	struct options o = {.wait_ms = 3000, .connections = 1};
	struct kd_err e = {0};

	log_init("raw_client", LOG_L_INFO);
	if (options_parse(argc, argv, &o, &e) &&
	    file_read_all(o.file, (size_t)64 << 20, &file, &e) &&
	    (o.mute            ? mute_once(&o, &e)
		: o.repeat > 0 ? repeat(&o, &file, &e)
			       : raw_once(&o, &file, &e)))
		return 0;
	log_err(LOG_L_ERROR, &e);
	return 1;
}
