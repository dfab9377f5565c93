/* SPDX-License-Identifier: Apache-2.0 */
/* client/net.c - one HTTPS connection to the signing service; the only file that knows
 * libcurl. */
#include "client/net.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "authenticode/cert.h"

#define CONNECT_MS 10000u
#define URL_MAX 2048

struct net {
	CURL *curl;
	struct curl_slist *headers;
	char *origin; /* "https://host:port", without a slash at its end */
	char said[CURL_ERROR_SIZE];
};

struct receiver { /* what the write callback fills */
	struct buf *body;
	bool too_large;
};

void
net_answer_clear(struct net_answer *a)
{
	buf_clear(&a->body);
	*a = (struct net_answer){0};
}

bool
net_init(struct kd_err *e)
{
	CURLcode rc = curl_global_init(CURL_GLOBAL_DEFAULT);

	if (rc == CURLE_OK)
		return true;
	return kd_fail(e, KD_E_BUG, "libcurl does not start: %s", curl_easy_strerror(rc));
}

void
net_close(struct net *n)
{
	if (n == NULL)
		return;
	curl_easy_cleanup(n->curl);
	curl_slist_free_all(n->headers);
	free(n->origin);
	free(n);
}

static size_t
receive(char *p, size_t size, size_t count, void *arg)
{
	struct receiver *r = arg;

	if (size * count > NET_ANSWER_MAX - r->body->len) {
		r->too_large = true;
		return 0;
	}
	buf_add(r->body, p, size * count);
	return r->body->failed ? 0 : size * count;
}

/* https://host[:port][/], nothing else: no user, path, query. */
static bool
set_origin(struct net *n, const char *server, struct kd_err *e)
{
	size_t len = strlen(server);

	if (strncmp(server, "https://", 8) != 0 || len == 8 || len > URL_MAX / 2)
		return kd_fail(e, KD_E_USAGE,
		    "'%s': not the address of a signing service, expected "
		    "https://HOST:PORT",
		    SHOW(server));
	if (server[len - 1] == '/')
		len--;
	for (size_t i = 8; i < len; i++) {
		if (strchr("/?#@ \\", server[i]) != NULL ||
		    (unsigned char)server[i] < 0x21)
			return kd_fail(e, KD_E_USAGE,
			    "'%s': only host and port may stand in the address, found "
			    "'%c' at "
			    "position %zu",
			    SHOW(server), server[i] > 0x20 ? server[i] : '?', i + 1);
	}
	n->origin = kd_alloc(len + 1);
	if (n->origin == NULL)
		return kd_fail_nomem(e, "address of the server");
	memcpy(n->origin, server, len);
	return true;
}

/* A file that the settings name is not an input file: what is wrong with it is a wrong
 * setting. */
static bool
fail_setting(const char *what, struct kd_err *e)
{
	if (e->code == KD_E_FILE || e->code == KD_E_FORMAT || e->code == KD_E_LIMIT)
		e->code = KD_E_CONFIG;
	return kd_in(e, "%s", what);
}

#define IDENTITY_MAX ((size_t)1 << 20)

static bool
has_key(int fd)
{
	static const char words[] = "PRIVATE KEY-----";
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err ignored = {0}; /* whoever reads it in earnest will say */
	bool found = false;

	if (!file_read_fd(fd, IDENTITY_MAX, &b, &ignored))
		return false;
	for (size_t i = 0; i + sizeof(words) - 1 <= b.len && !found; i++)
		found = memcmp(&b.p[i], words, sizeof(words) - 1) == 0;
	if (b.len != 0)
		explicit_bzero(b.p, b.len);
	return found;
}

/*
 * The key in it is as good as this machine's name. The owner may read it, and where that is
 * root or another user, who hands it out by a group (0640), that group; nobody else.
 */
static bool
check_readers(const char *path, struct kd_err *e)
{
	AUTO(close) int fd = -1;
	struct stat st;
	mode_t read = S_IROTH;
	bool mine;

	if (!file_open_read(path, &fd, &st, e) || !file_check_stat(path, &st, false, e))
		return false;
	mine = st.st_uid == geteuid() && st.st_uid != 0;
	if (mine)
		read |= S_IRGRP;
	if ((st.st_mode & read) == 0 || !has_key(fd))
		return true;
	(void)kd_fail(e, KD_E_CONFIG,
	    "'%s': mode %04o: others can read its private key, and sign in its name",
	    SHOW(path), (unsigned)(st.st_mode & 07777));
	return kd_hint(e, "chmod %s '%s'", mine ? "600" : "640", SHOW(path));
}

/* An expired certificate would only be a torn handshake; said here it names file and
 * date. */
static bool
check_identity(const char *path, struct kd_err *e)
{
	AUTO(certs_free) struct certs *chain = NULL;
	struct cert_info info;
	char when[CLOCK_UTC_LEN];
	int64_t now = clock_unix_ms() / 1000;

	if (!check_readers(path, e) || !certs_new(&chain, e) ||
	    !certs_load(chain, path, e) || !cert_info(chain, 0, &info, e))
		return fail_setting("client certificate", e);
	if (now > info.not_after) {
		clock_utc(when, info.not_after * 1000);
		(void)kd_fail(e, KD_E_AUTH, "'%s': client certificate '%s' expired %s",
		    SHOW(path), info.subject, when);
		return kd_hint(e, "renew this machine's client certificate");
	}
	if (now < info.not_before) {
		clock_utc(when, info.not_before * 1000);
		(void)kd_fail(e, KD_E_AUTH,
		    "'%s': client certificate '%s' is valid only from %s", SHOW(path),
		    info.subject, when);
		return kd_hint(e, "look at this machine's clock");
	}
	return true;
}

static bool
set_up(struct net *n, const struct net_options *o)
{
	CURL *c = n->curl;
	CURLcode bad = CURLE_OK;

#define SET(option, value)                                                               \
	bad = bad != CURLE_OK ? bad : curl_easy_setopt(c, option, value)
	SET(CURLOPT_ERRORBUFFER, n->said);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, ""); /* whatever the environment says */
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_TCP_NODELAY, 1L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLCERT, o->identity);
	SET(CURLOPT_SSLKEY, o->identity);
	SET(CURLOPT_KEYPASSWD,
	    ""); /* an encrypted key is an error, not a question at a terminal */
	if (o->ca != NULL) {
		SET(CURLOPT_CAINFO, o->ca);
		SET(CURLOPT_CAPATH,
		    NULL); /* else the system's CAs are trusted beside it */
	}
	SET(CURLOPT_HTTPHEADER, n->headers);
	SET(CURLOPT_USERAGENT, "kdsign-client");
	SET(CURLOPT_WRITEFUNCTION, receive);
#undef SET
	return bad == CURLE_OK;
}

bool
net_open(const struct net_options *o, struct net **ret, struct kd_err *e)
{
	AUTO(net_close) struct net *n = kd_alloc(sizeof(*n));

	if (n == NULL)
		return kd_fail_nomem(e, "connection");
	if (!set_origin(n, o->server, e) || !check_identity(o->identity, e))
		return false;
	if (o->ca != NULL) {
		AUTO(certs_free) struct certs *ca = NULL;

		if (!certs_new(&ca, e) || !certs_load(ca, o->ca, e))
			return fail_setting("CA of the server", e);
	}
	n->curl = curl_easy_init();
	/* "Expect:" empty: a body over 1 MiB is sent at once, without a round trip before
	 * it. */
	n->headers = curl_slist_append(NULL, "Expect:");
	if (n->headers != NULL) {
		struct curl_slist *more =
		    curl_slist_append(n->headers, "Content-Type: application/json");

		if (more == NULL || n->curl == NULL)
			return kd_fail_nomem(e, "connection");
		n->headers = more;
	}
	if (n->headers == NULL || n->curl == NULL || !set_up(n, o))
		return kd_fail_nomem(e, "connection");
	*ret = STEAL(n);
	return true;
}

/* TLS 1.3: a server refuses our certificate by an alert that we read after our own
 * handshake. */
static bool
is_alert(const char *said)
{
	return strstr(said, "alert") != NULL &&
	       (strstr(said, "certificate") != NULL ||
		   strstr(said, "unknown ca") != NULL ||
		   strstr(said, "handshake failure") != NULL ||
		   strstr(said, "denied") != NULL);
}

/* Whatever listens there will not become a signing service by trying again. */
static bool
is_other_protocol(const char *said)
{
	return strstr(said, "protocol version") != NULL ||
	       strstr(said, "unsupported protocol") != NULL ||
	       strstr(said, "wrong version number") != NULL;
}

static bool
fail_tls(const struct net *n, const char *said, struct kd_err *e)
{
	(void)kd_fail(e, KD_E_TLS, "'%s': the server's certificate is not accepted: %s",
	    SHOW(n->origin), SHOW(said));
	if (strstr(said, "does not match") != NULL ||
	    strstr(said, "no alternative") != NULL)
		return kd_hint(e,
		    "the certificate is of another name: give --server the name that "
		    "stands in it");
	return kd_hint(e, "--ca must name the CA that issued the server's certificate");
}

static bool
fail_curl(const struct net *n, CURLcode rc, struct kd_err *e)
{
	const char *said = n->said[0] != '\0' ? n->said : curl_easy_strerror(rc);

	switch (rc) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return fail_tls(n, said, e);
	case CURLE_SSL_CERTPROBLEM:
		(void)kd_fail(
		    e, KD_E_USAGE, "client certificate or its key: %s", SHOW(said));
		return kd_hint(e,
		    "the file of --identity must hold the certificate and its "
		    "unencrypted key, both in PEM form");
	case CURLE_SSL_CACERT_BADFILE:
		return kd_fail(e, KD_E_USAGE, "file of --ca: %s", SHOW(said));
	case CURLE_OUT_OF_MEMORY:
		return kd_fail_nomem(e, "request");
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		if (is_alert(said)) {
			(void)kd_fail(e, KD_E_AUTH,
			    "'%s': the server refuses this client's certificate: %s",
			    SHOW(n->origin), SHOW(said));
			return kd_hint(
			    e, "its administrator sees the reason in the server's log");
		}
		if (is_other_protocol(said))
			return kd_fail(e, KD_E_TLS,
			    "'%s': does not speak TLS 1.3, which this client insists on: "
			    "%s",
			    SHOW(n->origin), SHOW(said));
		break;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
		return kd_fail(e, KD_E_USAGE, "'%s': %s", SHOW(n->origin), SHOW(said));
	case CURLE_WEIRD_SERVER_REPLY:
		return kd_fail(e, KD_E_PROTOCOL, "'%s': %s", SHOW(n->origin), SHOW(said));
	default:
		break;
	}
	return kd_fail(e, KD_E_UNREACHABLE, "'%s': %s", SHOW(n->origin), SHOW(said));
}

static void
read_headers(struct net *n, struct net_answer *a)
{
	const char *type = NULL;
	curl_off_t after = 0;

	(void)curl_easy_getinfo(n->curl, CURLINFO_RESPONSE_CODE, &a->status);
	if (curl_easy_getinfo(n->curl, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK &&
	    type != NULL) {
		a->problem = strncmp(type, "application/problem+json", 24) == 0;
		a->json = strncmp(type, "application/json", 16) == 0;
	}
	if (curl_easy_getinfo(n->curl, CURLINFO_RETRY_AFTER, &after) == CURLE_OK &&
	    after > 0)
		a->retry_after_s = after > 3600 ? 3600 : (unsigned)after;
}

bool
net_ask(
    struct net *n, const struct net_request *q, struct net_answer *ret, struct kd_err *e)
{
	AUTO(net_answer_clear) struct net_answer answer = {.body.max = NET_ANSWER_MAX};
	struct receiver to = {.body = &answer.body};
	char url[URL_MAX];
	long left = clock_left(q->deadline_ms);
	CURLcode rc;

	if (left <= 0)
		return kd_fail(
		    e, KD_E_UNREACHABLE, "'%s': no answer in time", SHOW(n->origin));
	(void)snprintf(url, sizeof(url), "%s%s", n->origin, q->path);
	n->said[0] = '\0';
	(void)curl_easy_setopt(n->curl, CURLOPT_WRITEDATA, &to);
	(void)curl_easy_setopt(n->curl, CURLOPT_TIMEOUT_MS, left);
	(void)curl_easy_setopt(n->curl, CURLOPT_CONNECTTIMEOUT_MS,
	    left < (long)CONNECT_MS ? left : (long)CONNECT_MS);
	if (q->body != NULL) {
		(void)curl_easy_setopt(n->curl, CURLOPT_POST, 1L);
		(void)curl_easy_setopt(
		    n->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_len);
		(void)curl_easy_setopt(n->curl, CURLOPT_POSTFIELDS, q->body);
	} else {
		(void)curl_easy_setopt(n->curl, CURLOPT_HTTPGET, 1L);
	}
	/* The one call that copies the text and can therefore fail. */
	rc = curl_easy_setopt(n->curl, CURLOPT_URL, url);
	if (rc == CURLE_OK)
		rc = curl_easy_perform(n->curl);
	if (to.too_large)
		return kd_fail(e, KD_E_PROTOCOL, "'%s': the answer is over %zu bytes",
		    SHOW(n->origin), NET_ANSWER_MAX);
	if (answer.body.failed)
		return kd_fail_nomem(e, "answer");
	if (rc != CURLE_OK)
		return fail_curl(n, rc, e);
	read_headers(n, &answer);
	*ret = answer;
	answer = (struct net_answer){0};
	return true;
}
