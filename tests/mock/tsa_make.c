/* SPDX-License-Identifier: Apache-2.0 */
/* tests/mock/tsa_make.c - a timestamp authority's answers, made by the openssl command
 * line; and wrong ones. */
#include "config.h" /* _GNU_SOURCE: mkdtemp, environ */

#include "tests/mock/tsa_make.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/objects.h>
#include <openssl/ts.h>

#include "authenticode/der.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/num.h"
#include "base/text.h"

#define PATH_LEN 600
#define ARGS_MAX 24

AUTO_DEFINE(TS_REQ, TS_REQ_free);
AUTO_DEFINE(TS_RESP, TS_RESP_free);
AUTO_DEFINE(ASN1_INTEGER, ASN1_INTEGER_free);
AUTO_DEFINE(ASN1_OBJECT, ASN1_OBJECT_free);

/* One request's own folder, so that several can be answered at once. */
struct bench {
	char dir[PATH_LEN - 16];
};
static const char *const files[] = {"in", "out", "log", "serial", "serial.old", "info"};

static const char *
at(const struct bench *b, const char *name, char dst[PATH_LEN])
{
	(void)snprintf(dst, PATH_LEN, "%s/%s", b->dir, name);
	return dst;
}
#define AT(b, name) at((b), (name), (char[PATH_LEN]){0})

static void
bench_clear(struct bench *b)
{
	if (b->dir[0] == '\0')
		return;
	for (size_t i = 0; i < KD_ARRAY_LEN(files); i++)
		(void)unlink(AT(b, files[i]));
	(void)rmdir(b->dir);
}
AUTO_DEFINE_CLEAR(struct bench, bench_clear);

static bool
put_file(const char *path, const void *p, size_t n, struct kd_err *e)
{
	AUTO(close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return fd >= 0 ? file_write_full(fd, p, n, e)
		       : kd_fail(e, KD_E_IO, "'%s' cannot be written", path);
}

static bool
bench_init(const char *dir, const void *in, size_t n, struct bench *ret, struct kd_err *e)
{
	static atomic_uint count;
	char made[sizeof(ret->dir)], serial[64];

	(void)snprintf(made, sizeof(made), "%s/work.XXXXXX", dir);
	if (mkdtemp(made) == NULL)
		return kd_fail(e, KD_E_IO, "no folder can be made in '%s'", dir);
	memcpy(ret->dir, made, sizeof(made));
	(void)snprintf(serial, sizeof(serial), "%012llX%04X\n",
	    (unsigned long long)clock_unix_ms(), atomic_fetch_add(&count, 1) & 0xffff);
	return put_file(AT(ret, "serial"), serial, strlen(serial), e) &&
	       put_file(AT(ret, "in"), in, n, e);
}

/* "openssl" with these arguments; tsa.cnf finds the serial number by TSA_SERIAL. */
static bool
run_openssl(const struct bench *b, char *const args[], struct kd_err *e)
{
	char serial[PATH_LEN + 16], path[4096];
	char *env[] = {serial, path, (char[]){"OPENSSL_CONF=/dev/null"}, NULL};
	posix_spawn_file_actions_t acts;
	int status = -1, failed;
	pid_t pid;

	(void)snprintf(serial, sizeof(serial), "TSA_SERIAL=%s/serial", b->dir);
	(void)snprintf(path, sizeof(path), "PATH=%s",
	    getenv("PATH") != NULL ? getenv("PATH") : "/usr/bin:/bin");
	(void)posix_spawn_file_actions_init(&acts);
	(void)posix_spawn_file_actions_addopen(
	    &acts, 1, AT(b, "log"), O_WRONLY | O_CREAT | O_APPEND, 0600);
	(void)posix_spawn_file_actions_adddup2(&acts, 1, 2);
	failed = posix_spawnp(&pid, "openssl", &acts, NULL, args, env);
	(void)posix_spawn_file_actions_destroy(&acts);
	if (failed != 0)
		return kd_fail_errno(e, KD_E_IO, failed, "openssl cannot be run");
	if (waitpid(pid, &status, 0) != pid || status != 0) {
		AUTO(buf_clear) struct buf log = {0};
		struct kd_err none = {0};

		(void)!file_read_all(AT(b, "log"), TSA_REQUEST_MAX, &log, &none);
		return kd_fail(e, KD_E_CRYPTO, "openssl %s: status %d: %.300s", args[1],
		    status, log.len > 0 ? buf_cstr(&log) : "");
	}
	return true;
}

/* The same with printf-like arguments, blank-separated; none of ours has a blank. */
static bool run(const struct bench *b, struct kd_err *e, const char *fmt, ...)
    KD_PRINTF(3, 4);

static bool
run(const struct bench *b, struct kd_err *e, const char *fmt, ...)
{
	char line[8 * PATH_LEN], *args[ARGS_MAX + 1] = {NULL}, *save = NULL;
	size_t n = 0;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	for (char *w = strtok_r(line, " ", &save); w != NULL && n < ARGS_MAX;
	     w = strtok_r(NULL, " ", &save))
		args[n++] = w;
	return run_openssl(b, args, e);
}

static bool
twist_imprint(TS_MSG_IMPRINT *imprint)
{
	const ASN1_OCTET_STRING *msg = TS_MSG_IMPRINT_get_msg(imprint);
	int n = ASN1_STRING_length(msg);
	unsigned char other[64];

	if (n < 1 || n > (int)sizeof(other))
		return false;
	memcpy(other, ASN1_STRING_get0_data(msg), (size_t)n);
	other[0] ^= 1;
	return TS_MSG_IMPRINT_set_msg(imprint, other, n) == 1;
}

/* The query that the authority is to see instead. */
static bool
twist_request(TS_REQ *req, enum tsa_twist twist)
{
	AUTO(ASN1_INTEGER_free) ASN1_INTEGER *nonce = ASN1_INTEGER_new();
	AUTO(ASN1_OBJECT_free) ASN1_OBJECT *policy = OBJ_txt2obj("1.2.3.4.99", 1);

	switch (twist) {
	case TSA_OTHER_NONCE:
		return ASN1_INTEGER_set_int64(nonce, 0x1234567890abcdef) == 1 &&
		       TS_REQ_set_nonce(req, nonce) == 1;
	case TSA_OTHER_IMPRINT:
		return twist_imprint(TS_REQ_get_msg_imprint(req));
	case TSA_REFUSES:
		return TS_REQ_set_policy_id(req, policy) == 1;
	default:
		return true;
	}
}

static bool
twist_query(
    const struct buf *query, enum tsa_twist twist, struct buf *ret, struct kd_err *e)
{
	const unsigned char *p = query->p;
	AUTO(TS_REQ_free) TS_REQ *req = d2i_TS_REQ(NULL, &p, (long)query->len);
	unsigned char *der = NULL;
	int n;

	if (req == NULL || !twist_request(req, twist))
		return kd_fail(e, KD_E_REQUEST, "no TimeStampReq");
	n = i2d_TS_REQ(req, &der);
	if (n > 0)
		buf_add(ret, der, (size_t)n);
	OPENSSL_free(der);
	return buf_ok(ret, "query", e);
}

/* Who signs in place of the authority asked; NULL: nobody. */
static const char *
stand_in(enum tsa_twist twist)
{
	return twist == TSA_NO_EKU ? "noeku" : twist == TSA_NOT_CRITICAL ? "plain" : NULL;
}

/* A right answer's TSTInfo, signed by a certificate that openssl ts refuses to use. */
static bool
sign_again(const struct tsa_order *o, const struct bench *b, struct buf *answer,
    struct kd_err *e)
{
	const unsigned char *p = answer->p;
	AUTO(TS_RESP_free) TS_RESP *resp = d2i_TS_RESP(NULL, &p, (long)answer->len);
	AUTO(buf_clear) struct buf token = {0};
	unsigned char *info = NULL;
	int n = resp == NULL ? -1 : i2d_TS_TST_INFO(TS_RESP_get_tst_info(resp), &info);
	bool done = n > 0 && put_file(AT(b, "info"), info, (size_t)n, e);
	size_t whole, status;

	OPENSSL_free(info);
	if (!done ||
	    !run(b, e,
		"openssl cms -sign -binary -nodetach -nosmimecap -cades -md sha256 "
		"-econtent_type 1.2.840.113549.1.9.16.1.4 -outform DER "
		"-signer %s/%s.pem -inkey %s/%s.key -certfile %s/chain.pem "
		"-in %s/info -out %s/out",
		o->dir, stand_in(o->twist), o->dir, stand_in(o->twist), o->dir, b->dir,
		b->dir) ||
	    !file_read_all(AT(b, "out"), TSA_REQUEST_MAX, &token, e))
		return false;
	buf_reset(answer);
	whole = der_begin(answer, DER_SEQUENCE);
	status = der_begin(answer, DER_SEQUENCE);
	der_put(answer, DER_INTEGER, "", 1); /* granted: 0 */
	der_end(answer, status);
	buf_add(answer, token.p, token.len);
	der_end(answer, whole);
	return buf_ok(answer, "answer", e);
}

bool
tsa_make_rfc3161(const struct tsa_order *o, const struct buf *query, struct buf *ret,
    struct kd_err *e)
{
	AUTO(bench_clear) struct bench b = {""};
	AUTO(buf_clear) struct buf asked = {0};
	AUTO(buf_clear) struct buf answer = {0};

	if (!twist_query(query, o->twist, &asked, e) ||
	    !bench_init(o->dir, asked.p, asked.len, &b, e) ||
	    !run(&b, e,
		"openssl ts -reply -config %s/tsa.cnf -section tsa_%s -queryfile %s/in "
		"-out %s/out",
		o->dir, o->signer, b.dir, b.dir) ||
	    !file_read_all(AT(&b, "out"), TSA_REQUEST_MAX, &answer, e) ||
	    (stand_in(o->twist) != NULL && !sign_again(o, &b, &answer, e)))
		return false;
	buf_add(ret, answer.p, answer.len);
	return buf_ok(ret, "answer", e);
}

/* The signature value inside a legacy request (facts 10.1). */
static bool
open_legacy(const struct buf *request, struct buf *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf text = {0};
	AUTO(buf_clear) struct buf der = {0};
	struct tlv whole, type, content, data, explicit, value;
	struct rd r;

	for (size_t i = 0; i < request->len; i++)
		if (request->p[i] > ' ')
			buf_u8(&text, request->p[i]);
	if (text.len == 0 || !text_unbase64((const char *)text.p, text.len, &der, e))
		return kd_fail(e, KD_E_REQUEST, "no base64");
	r = rd_init(der.p, der.len);
	if (!der_want(&r, DER_SEQUENCE, "request", &whole, e) ||
	    !der_want(&whole.body, DER_OID, "request", &type, e) ||
	    !der_want(&whole.body, DER_SEQUENCE, "content", &content, e) ||
	    !der_want(&content.body, DER_OID, "content", &data, e) ||
	    !der_want(&content.body, DER_C0, "content", &explicit, e) ||
	    !der_want(&explicit.body, DER_OCTET_STRING, "signature", &value, e))
		return false;
	buf_add(ret, value.body.p, value.body.len);
	return buf_ok(ret, "signature", e);
}

bool
tsa_make_legacy(const struct tsa_order *o, const struct buf *request, struct buf *ret,
    struct kd_err *e)
{
	AUTO(bench_clear) struct bench b = {""};
	AUTO(buf_clear) struct buf signature = {0};
	AUTO(buf_clear) struct buf der = {0};
	AUTO(buf_clear) struct buf text = {0};
	const char *other = stand_in(o->twist);
	const char *signer = other == NULL ? o->signer : other;

	if (!open_legacy(request, &signature, e))
		return false;
	if (o->twist == TSA_OTHER_IMPRINT || o->twist == TSA_OTHER_NONCE)
		signature.p[0] ^= 1;
	if (!bench_init(o->dir, signature.p, signature.len, &b, e) ||
	    !run(&b, e,
		"openssl cms -sign -binary -nodetach -nosmimecap -md %s -outform DER "
		"-signer %s/%s.pem -inkey %s/%s.key -certfile %s/chain.pem -in %s/in "
		"-out %s/out",
		o->md, o->dir, signer, o->dir, signer, o->dir, b.dir, b.dir) ||
	    !file_read_all(AT(&b, "out"), TSA_REQUEST_MAX, &der, e))
		return false;
	text_base64(&text, der.p, der.len);
	if (!buf_ok(&text, "answer", e))
		return false;
	for (size_t i = 0; i < text.len; i += 64) {
		buf_add(ret, &text.p[i], text.len - i < 64 ? text.len - i : 64);
		buf_str(ret, "\r\n");
	}
	return buf_ok(ret, "answer", e);
}
