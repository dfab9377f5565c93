/* SPDX-License-Identifier: Apache-2.0 */
/* tls.c - server certificate, client CA and CRL; who is at the other end. */
#include "daemon/front/tls.h"

#include <gnutls/x509.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/builder.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

#define PEM_FILE_MAX ((size_t)16 << 20) /* a CRL of a large CA is some MB */
#define CHAIN_DEPTH_MAX 8
#define CHAIN_KEY_BITS_MAX 16384

struct tls_set {
	gnutls_certificate_credentials_t cred;
	time_t crl_until; /* the earliest nextUpdate; 0: no CRL */
	struct tls *home; /* borrowed: whose lock guards refs */
	unsigned refs;    /* lock: home->mu */
};

struct tls {
	struct tls_files files;
	pthread_mutex_t mu;
	struct tls_set *now; /* lock: mu */
};

struct crts { /* the CA file, for checking CRLs against it */
	gnutls_x509_crt_t *v;
	unsigned n;
};

static void
crts_clear(struct crts *c)
{
	unsigned i;

	for (i = 0; i < c->n; i++)
		gnutls_x509_crt_deinit(c->v[i]);
	gnutls_free(c->v);
}
AUTO_DEFINE_CLEAR(struct crts, crts_clear);

struct crls {
	gnutls_x509_crl_t *v;
	unsigned n;
};

static void
crls_clear(struct crls *c)
{
	unsigned i;

	for (i = 0; i < c->n; i++)
		gnutls_x509_crl_deinit(c->v[i]);
	gnutls_free(c->v);
}
AUTO_DEFINE_CLEAR(struct crls, crls_clear);

static void
set_free(struct tls_set *set)
{
	if (set == NULL)
		return;
	if (set->cred != NULL)
		gnutls_certificate_free_credentials(set->cred);
	free(set);
}
AUTO_DEFINE(struct tls_set, set_free);

static bool
ca_read(const char *path, struct crts *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf pem = {0};
	gnutls_datum_t d;
	int rc;

	if (!file_check_private(path, false, e) ||
	    !file_read_all(path, PEM_FILE_MAX, &pem, e))
		return kd_in(e, "client-ca");
	d = (gnutls_datum_t){.data = pem.p, .size = (unsigned)pem.len};
	rc = gnutls_x509_crt_list_import2(&ret->v, &ret->n, &d, GNUTLS_X509_FMT_PEM, 0);
	if (rc < 0 || ret->n == 0)
		return kd_fail(e, KD_E_CONFIG,
		    "client-ca '%s': no certificate in PEM form: %s", path,
		    gnutls_strerror(rc));
	return true;
}

static bool
crl_check(const char *path, gnutls_x509_crl_t crl, const struct crts *ca, time_t *until,
    struct kd_err *e)
{
	time_t next = gnutls_x509_crl_get_next_update(crl);
	unsigned status = 0;
	char when[CLOCK_UTC_LEN];
	int rc;

	if (next == (time_t)-1)
		return kd_fail(
		    e, KD_E_CONFIG, "client-crl '%s': has no nextUpdate", path);
	if (next <= time(NULL)) {
		clock_utc(when, (int64_t)next * 1000);
		(void)kd_fail(
		    e, KD_E_CONFIG, "client-crl '%s': ran out at %s", path, when);
		return kd_hint(e, "fetch the CA's current CRL");
	}
	rc = gnutls_x509_crl_verify(crl, ca->v, ca->n, 0, &status);
	if (rc < 0 || status != 0)
		return kd_fail(e, KD_E_CONFIG,
		    "client-crl '%s': not signed by a certificate of client-ca", path);
	if (*until == 0 || next < *until)
		*until = next;
	return true;
}

static bool
crl_read(const char *path, const struct crts *ca, struct tls_set *set, struct kd_err *e)
{
	AUTO(buf_clear) struct buf pem = {0};
	AUTO(crls_clear) struct crls l = {0};
	gnutls_datum_t d;
	unsigned i;
	int rc;

	if (!file_check_private(path, false, e) ||
	    !file_read_all(path, PEM_FILE_MAX, &pem, e))
		return kd_in(e, "client-crl");
	d = (gnutls_datum_t){.data = pem.p, .size = (unsigned)pem.len};
	rc = gnutls_x509_crl_list_import2(&l.v, &l.n, &d, GNUTLS_X509_FMT_PEM, 0);
	if (rc < 0 || l.n == 0)
		return kd_fail(e, KD_E_CONFIG, "client-crl '%s': no CRL in PEM form: %s",
		    path, gnutls_strerror(rc));
	for (i = 0; i < l.n; i++)
		if (!crl_check(path, l.v[i], ca, &set->crl_until, e))
			return false;
	rc = gnutls_certificate_set_x509_crl(set->cred, l.v, (int)l.n);
	if (rc < 0)
		return kd_fail(
		    e, KD_E_CONFIG, "client-crl '%s': %s", path, gnutls_strerror(rc));
	return true;
}

static bool
set_load(const struct tls_files *f, struct tls_set *set, struct kd_err *e)
{
	AUTO(crts_clear) struct crts ca = {0};
	int rc;

	if (gnutls_certificate_allocate_credentials(&set->cred) < 0)
		return kd_fail_nomem(e, "TLS credentials");
	gnutls_certificate_set_verify_limits(
	    set->cred, CHAIN_KEY_BITS_MAX, CHAIN_DEPTH_MAX);
	if (!file_check_private(f->certificate, false, e))
		return kd_in(e, "tls-certificate");
	if (!file_check_private(f->key, true, e))
		return kd_in(e, "tls-key");
	/* GnuTLS reads the key itself, and wipes what it read. */
	rc = gnutls_certificate_set_x509_key_file(
	    set->cred, f->certificate, f->key, GNUTLS_X509_FMT_PEM);
	if (rc < 0)
		return kd_fail(e, KD_E_CONFIG,
		    "tls-certificate '%s' with tls-key '%s': %s", f->certificate, f->key,
		    gnutls_strerror(rc));
	if (!ca_read(f->client_ca, &ca, e))
		return false;
	rc = gnutls_certificate_set_x509_trust(set->cred, ca.v, (int)ca.n);
	if (rc < 0)
		return kd_fail(e, KD_E_CONFIG, "client-ca '%s': %s", f->client_ca,
		    gnutls_strerror(rc));
	return f->client_crl == NULL || crl_read(f->client_crl, &ca, set, e);
}

static bool
set_new(struct tls *t, struct tls_set **ret, struct kd_err *e)
{
	AUTO(set_free) struct tls_set *set = kd_alloc(sizeof(*set));

	if (set == NULL)
		return kd_fail_nomem(e, "TLS credentials");
	set->home = t;
	set->refs = 1;
	if (!set_load(&t->files, set, e))
		return false;
	*ret = STEAL(set);
	return true;
}

bool
tls_new(const struct tls_files *files, struct tls **ret, struct kd_err *e)
{
	struct tls *t = kd_alloc(sizeof(*t));

	if (t == NULL)
		return kd_fail_nomem(e, "TLS settings");
	(void)pthread_mutex_init(&t->mu, NULL);
	t->files = *files;
	if (!set_new(t, &t->now, e)) {
		tls_free(t);
		return false;
	}
	*ret = t;
	return true;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	tls_set_drop(t->now);
	(void)pthread_mutex_destroy(&t->mu);
	free(t);
}

bool
tls_reload(struct tls *t, struct kd_err *e)
{
	struct tls_set *fresh = NULL, *old;

	if (!set_new(t, &fresh, e))
		return false;
	(void)pthread_mutex_lock(&t->mu);
	old = t->now;
	t->now = fresh;
	(void)pthread_mutex_unlock(&t->mu);
	tls_set_drop(old);
	return true;
}

void
tls_set_drop(struct tls_set *set)
{
	struct tls *t;
	bool last;

	if (set == NULL)
		return;
	t = set->home;
	(void)pthread_mutex_lock(&t->mu);
	last = --set->refs == 0;
	(void)pthread_mutex_unlock(&t->mu);
	if (last)
		set_free(set);
}

/* Does the leaf state clientAuth? A certificate that states no purpose is good for any by
 * RFC 5280 4.2.1.12, so a CA that also issues for other things could let anybody in: not
 * here. */
static bool
states_client_auth(gnutls_session_t s)
{
	unsigned n = 0, i;
	const gnutls_datum_t *peers = gnutls_certificate_get_peers(s, &n);
	gnutls_x509_crt_t crt = NULL;
	bool found = false;

	if (n == 0 || gnutls_x509_crt_init(&crt) < 0)
		return false;
	if (gnutls_x509_crt_import(crt, &peers[0], GNUTLS_X509_FMT_DER) >= 0)
		for (i = 0; !found; i++) {
			char oid[128];
			size_t len = sizeof(oid);

			if (gnutls_x509_crt_get_key_purpose_oid(crt, i, oid, &len, NULL) <
			    0)
				break;
			found = strcmp(oid, GNUTLS_KP_TLS_WWW_CLIENT) == 0;
		}
	gnutls_x509_crt_deinit(crt);
	return found;
}

/* GnuTLS calls this inside the handshake, before it accepts the client's Finished. */
static int
client_verify(gnutls_session_t s)
{
	gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
	    .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT};
	const char *peer = gnutls_session_get_ptr(s);
	gnutls_datum_t text = {0};
	unsigned status = 0;
	int rc = gnutls_certificate_verify_peers(s, &purpose, 1, &status);

	if (rc >= 0 && status == 0 && states_client_auth(s))
		return 0;
	if (rc >= 0 && status == 0)
		log_line(LOG_L_NOTICE,
		    "%s refused: its certificate does not state clientAuth", peer);
	else if (rc < 0)
		log_line(LOG_L_NOTICE, "%s refused: %s", peer, gnutls_strerror(rc));
	else if (gnutls_certificate_verification_status_print(
		     status, GNUTLS_CRT_X509, &text, 0) >= 0)
		log_line(LOG_L_NOTICE, "%s refused: %s", peer, (const char *)text.data);
	else
		log_line(
		    LOG_L_NOTICE, "%s refused: certificate status 0x%x", peer, status);
	gnutls_free(text.data);
	/* The library closes without a word; so that the client knows why. */
	(void)gnutls_alert_send(s, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
	return GNUTLS_E_CERTIFICATE_ERROR;
}

bool
tls_attach(struct tls *t, gnutls_session_t s, const char *peer, struct tls_set **ret,
    struct kd_err *e)
{
	struct tls_set *set;

	(void)pthread_mutex_lock(&t->mu);
	set = t->now;
	set->refs++;
	(void)pthread_mutex_unlock(&t->mu);
	if (set->crl_until != 0 && set->crl_until <= time(NULL)) {
		tls_set_drop(set);
		return kd_fail(
		    e, KD_E_AUTH, "client-crl '%s' has run out", t->files.client_crl);
	}
	if (gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, set->cred) < 0) {
		tls_set_drop(set);
		return kd_fail_nomem(e, "TLS session");
	}
	gnutls_certificate_server_set_request(s, GNUTLS_CERT_REQUIRE);
	gnutls_session_set_verify_function(s, client_verify);
	gnutls_session_set_ptr(s, (void *)(uintptr_t)peer);
	*ret = set;
	return true;
}

static ssize_t
push(gnutls_transport_ptr_t ptr, const giovec_t *iov, int n)
{
	struct tls_out *out = ptr;
	struct msghdr m = {
	    .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n};
	int flags = MSG_NOSIGNAL | (out->more ? MSG_MORE : 0);

	out->more = false;
	return sendmsg(out->fd, &m, flags);
}

void
tls_send_through(gnutls_session_t s, struct tls_out *out)
{
	gnutls_transport_set_ptr2(s, gnutls_transport_get_ptr(s), out);
	gnutls_transport_set_vec_push_function(s, push);
}

bool
tls_peer(gnutls_session_t s, struct der *chain, size_t *ret_n, uint8_t sha256[32],
    struct kd_err *e)
{
	unsigned n = 0, i;
	const gnutls_datum_t *peers = gnutls_certificate_get_peers(s, &n);
	size_t len = 32;

	if (peers == NULL || n == 0)
		return kd_fail(e, KD_E_AUTH, "no client certificate");
	if (n > ASK_CHAIN_MAX)
		return kd_fail(e, KD_E_AUTH,
		    "client sent %u certificates, at most %d allowed", n, ASK_CHAIN_MAX);
	for (i = 0; i < n; i++)
		if (peers[i].size > ASK_CERT_LEN_MAX)
			return kd_fail(e, KD_E_AUTH,
			    "client certificate %u has %u bytes, at most %u allowed", i,
			    peers[i].size, ASK_CERT_LEN_MAX);
	if (gnutls_fingerprint(GNUTLS_DIG_SHA256, &peers[0], sha256, &len) < 0)
		return kd_fail(e, KD_E_CRYPTO, "client certificate: SHA-256 failed");
	for (i = 0; i < n; i++)
		chain[i] = (struct der){.p = peers[i].data, .len = peers[i].size};
	*ret_n = n;
	return true;
}
