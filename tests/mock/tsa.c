/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/mock/tsa.c - a timestamp authority on the loopback interface, for tests and the
 * demo: HTTP around what tsa_make.c makes.
 *
 *	tsa --dir DIR [--port N] [--port-file FILE] [--seconds N]
 *
 * DIR was filled by tests/e2e/tsa.sh. The port, a free one without --port, is printed and
 * written to FILE once it listens; it ends by itself after N seconds (600), or by
 * SIGTERM.
 *
 *	/tsa /ec /other          RFC 3161: RSA, ECDSA, of a root nobody trusts
 *	/legacy /legacy-sha1     Authenticode's own protocol
 *	/fault/NAME              something is wrong, in either protocol: see routes[]
 */
#include "config.h" /* _GNU_SOURCE */

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <microhttpd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "tests/mock/tsa_make.h"

#define SLOW_MS 3000
#define SECONDS_MAX 2592000 /* the demo, kept up */
#define BIG ((uint64_t)64 << 20)

enum manner { ANSWER, STATUS_500, GARBAGE, HANG, SLOW, BIG_ANSWER, REDIRECT };

static const struct route {
	const char *path, *signer, *md;
	enum tsa_twist twist;
	enum manner manner;
} routes[] = {
    {"/tsa", "tsa", "sha256"},
    {"/ec", "ec", "sha256"},
    {"/other", "other", "sha256"},
    {"/legacy", "tsa", "sha256"},
    {"/legacy-sha1", "tsa", "sha1"},
    {"/fault/status500", "tsa", "sha256", TSA_RIGHT, STATUS_500},
    {"/fault/error", "tsa", "sha256", TSA_REFUSES},
    {"/fault/garbage", "tsa", "sha256", TSA_RIGHT, GARBAGE},
    {"/fault/nonce", "tsa", "sha256", TSA_OTHER_NONCE},
    {"/fault/imprint", "tsa", "sha256", TSA_OTHER_IMPRINT},
    {"/fault/hang", "tsa", "sha256", TSA_RIGHT, HANG},
    {"/fault/slow", "tsa", "sha256", TSA_RIGHT, SLOW},
    {"/fault/big", "tsa", "sha256", TSA_RIGHT, BIG_ANSWER},
    {"/fault/redirect", "tsa", "sha256", TSA_RIGHT, REDIRECT},
    {"/fault/expired", "expired", "sha256"},
    {"/fault/noeku", "tsa", "sha256", TSA_NO_EKU},
    {"/fault/otherroot", "other", "sha256"},
};

static const char *dir;
static unsigned port;

static void
sleep_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	(void)nanosleep(&t, NULL);
}

static enum MHD_Result
reply(struct MHD_Connection *c, unsigned status, const char *type, const char *location,
    struct MHD_Response *response)
{
	enum MHD_Result queued;

	if (response == NULL)
		return MHD_NO;
	(void)MHD_add_response_header(response, "Content-Type", type);
	if (location != NULL)
		(void)MHD_add_response_header(response, "Location", location);
	queued = MHD_queue_response(c, status, response);
	MHD_destroy_response(response);
	return queued;
}

static enum MHD_Result
reply_text(
    struct MHD_Connection *c, unsigned status, const char *text, const char *location)
{
	return reply(c, status, "text/html", location,
	    MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY));
}

static ssize_t
zeros(void *cls, uint64_t pos, char *dst, size_t max)
{
	if (pos >= BIG)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (max > BIG - pos)
		max = BIG - pos;
	memset(dst, '0', max);
	return (ssize_t)max;
}

static enum MHD_Result
answer(struct MHD_Connection *c, const struct route *route, bool rfc3161,
    const struct buf *body)
{
	struct tsa_order order = {dir, route->signer, route->md, route->twist};
	AUTO(buf_clear) struct buf made = {0};
	struct kd_err e = {0};

	if (rfc3161 ? !tsa_make_rfc3161(&order, body, &made, &e)
		    : !tsa_make_legacy(&order, body, &made, &e)) {
		(void)fprintf(stderr, "%s: %s\n", route->path, e.msg);
		return reply_text(c,
		    e.code == KD_E_REQUEST || e.code == KD_E_FORMAT ? 400 : 500, e.msg,
		    NULL);
	}
	return reply(c, 200,
	    rfc3161 ? "application/timestamp-reply" : "application/octet-stream", NULL,
	    MHD_create_response_from_buffer(made.len, made.p, MHD_RESPMEM_MUST_COPY));
}

/* Blocks where it must: each connection has a thread of its own. */
static enum MHD_Result
serve(struct MHD_Connection *c, const struct route *route, bool rfc3161,
    const struct buf *body)
{
	char location[64];

	switch (route->manner) {
	case STATUS_500:
		return reply_text(c, 500, "the authority is out of order\n", NULL);
	case GARBAGE:
		return reply_text(c, 200,
		    "<html><body>Please accept our cookies</body></html>\n", NULL);
	case HANG:
		for (;;)
			sleep_ms(60000); /* ends with the process */
	case BIG_ANSWER:
		return reply(c, 200, "application/timestamp-reply", NULL,
		    MHD_create_response_from_callback(
			MHD_SIZE_UNKNOWN, 65536, zeros, NULL, NULL));
	case REDIRECT:
		(void)snprintf(location, sizeof(location), "http://127.0.0.1:%u/%s", port,
		    rfc3161 ? "tsa" : "legacy");
		return reply_text(c, 302, "", location);
	case SLOW:
		sleep_ms(SLOW_MS);
		break;
	case ANSWER:
		break;
	}
	return answer(c, route, rfc3161, body);
}

/* What a client must send, or the tests would not see that it does not. */
static enum MHD_Result
dispatch(struct MHD_Connection *c, const char *url, const char *method,
    const struct buf *body)
{
	const char *type =
	    MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Type");
	bool rfc3161 = type != NULL && strcmp(type, "application/timestamp-query") == 0;

	(void)printf("%s %s %s %zu\n", method, url, type == NULL ? "-" : type, body->len);
	(void)fflush(stdout);
	if (strcmp(method, "POST") != 0)
		return reply_text(c, 405, "POST expected\n", NULL);
	if (!rfc3161 && (type == NULL || strcmp(type, "application/octet-stream") != 0))
		return reply_text(c, 415, "application/timestamp-query or "
					  "application/octet-stream expected\n",
		    NULL);
	if (body->failed)
		return reply_text(c, 413, "request too large\n", NULL);
	for (size_t i = 0; i < KD_ARRAY_LEN(routes); i++)
		if (strcmp(routes[i].path, url) == 0)
			return serve(c, &routes[i], rfc3161, body);
	return reply_text(c, 404, "no such authority\n", NULL);
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
    const char *version, const char *data, size_t *data_len, void **state)
{
	struct buf *body = *state;

	if (body == NULL) {
		*state = body = kd_alloc(sizeof(*body));
		if (body == NULL)
			return MHD_NO;
		body->max = TSA_REQUEST_MAX;
		return MHD_YES;
	}
	if (*data_len > 0) {
		buf_add(body, data, *data_len);
		*data_len = 0;
		return MHD_YES;
	}
	return dispatch(c, url, method, body);
}

static void
on_done(void *cls, struct MHD_Connection *c, void **state,
    enum MHD_RequestTerminationCode why)
{
	struct buf *body = *state;

	if (body != NULL)
		buf_clear(body);
	free(body);
	*state = NULL;
}

static struct MHD_Daemon *
listen_on(unsigned wanted)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)wanted),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct MHD_Daemon *d = MHD_start_daemon(
	    MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION,
	    (uint16_t)wanted, NULL, NULL, on_request, NULL, MHD_OPTION_SOCK_ADDR,
	    (struct sockaddr *)&addr, MHD_OPTION_NOTIFY_COMPLETED, on_done, NULL,
	    MHD_OPTION_END);
	const union MHD_DaemonInfo *info;

	if (d == NULL)
		return NULL;
	info = MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT);
	port = info == NULL ? 0 : info->port;
	return d;
}

/* Whole or not there: somebody waits for it. */
static bool
say_port(const char *path, struct kd_err *e)
{
	AUTO(file_replace_clear) struct file_replace r = {.fd = -1};
	char text[16];
	int n = snprintf(text, sizeof(text), "%u\n", port);

	(void)fputs(text, stdout);
	(void)fflush(stdout);
	return path == NULL || (file_replace_begin(path, NULL, &r, e) &&
				   file_write_full(r.fd, text, (size_t)n, e) &&
				   file_replace_commit(&r, false, e));
}

static bool
number(const char *text, uint64_t max, uint64_t *ret)
{
	struct kd_err e = {0};

	if (kd_parse_u64(text, 1, max, ret, &e))
		return true;
	(void)fprintf(stderr, "tsa: '%s': %s\n", text, e.msg);
	return false;
}

int
main(int argc, char **argv)
{
	static const struct option names[] = {{"dir", required_argument, NULL, 'd'},
	    {"port", required_argument, NULL, 'p'},
	    {"port-file", required_argument, NULL, 'f'},
	    {"seconds", required_argument, NULL, 's'}, {NULL, 0, NULL, 0}};
	uint64_t wanted = 0, seconds = 600;
	const char *port_file = NULL;
	struct kd_err e = {0};
	uint64_t deadline;
	struct timespec end;
	int got;
	sigset_t set;
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == 'd')
			dir = optarg;
		else if (c == 'f')
			port_file = optarg;
		else if (c != 'p' && c != 's')
			return 64;
		else if (!number(optarg, c == 'p' ? 65535 : SECONDS_MAX,
			     c == 'p' ? &wanted : &seconds))
			return 64;
	}
	if (dir == NULL || optind != argc)
		return 64;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL); /* before there are threads */
	if (listen_on((unsigned)wanted) == NULL || !say_port(port_file, &e)) {
		(void)fprintf(stderr, "tsa: cannot listen on 127.0.0.1:%u %s\n",
		    (unsigned)wanted, e.msg);
		return 1;
	}
	deadline = clock_ms() + seconds * 1000;
	do { /* a child that ends interrupts the wait */
		int left = clock_left(deadline);

		end = (struct timespec){left / 1000, left % 1000 * 1000000L};
		got = sigtimedwait(&set, NULL, &end);
	} while (got < 0 && errno == EINTR);
	_exit(0); /* a connection that hangs has a thread that nobody can join */
}
