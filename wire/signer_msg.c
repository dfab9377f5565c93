/* SPDX-License-Identifier: Apache-2.0 */
/* wire/signer_msg.c - payloads of FRAME_SIGN, _SIGNATURE, _STATE and _BAD (docs/PROTOCOL.md
 * "Keeper and signer"). */
#include "wire/signer_msg.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "wire/custody.h"
#include "wire/payload.h"

#define KEY_ATTR_ALL (2 * KEY_ATTR_MODIFIABLE - 1)

/* A result's code on the wire is its place here: new ones go to the end. */
static const enum kd_code result_codes[] = {
    KD_OK, KD_E_TOKEN, KD_E_TOKEN_TIMEOUT, KD_E_PIN, KD_E_KEY, KD_E_BUSY,
    KD_E_UNKNOWN_OUTCOME, KD_E_NOMEM, KD_E_CRYPTO, KD_E_BAD_SIGNATURE,
    KD_E_BUG, /* the last: also any code a signer should not come up with */
};

void
sign_job_encode(const struct sign_job *j, struct buf *ret)
{
	payload_put_text(ret, j->key);
	buf_u8(ret, (uint8_t)j->mechanism);
	buf_u8(ret, (uint8_t)j->md);
	buf_add(ret, j->digest, md_len(j->md));
	buf_u32le(ret, j->deadline_ms);
}

static bool
mechanism_known(unsigned m)
{
	return m == SIGN_RSA_PKCS1 || m == SIGN_ECDSA;
}

bool
sign_job_decode(struct rd r, struct sign_job *ret, struct kd_err *e)
{
	struct sign_job j = {0};
	unsigned mechanism, md;
	const uint8_t *digest;

	payload_text(&r, j.key, SIGNER_KEY_NAME_MAX, "key name", e);
	mechanism = rd_u8(&r, "mechanism");
	md = rd_u8(&r, "digest algorithm");
	if (r.bad == NULL && !mechanism_known(mechanism))
		kd_fail(e, KD_E_PROTOCOL, "unknown mechanism %u", mechanism);
	if (md >= MD_SHA1 && md <= MD_SHA512)
		j.md = (enum md)md;
	else if (r.bad == NULL)
		kd_fail(e, KD_E_PROTOCOL, "unknown digest algorithm %u", md);
	j.mechanism = (enum sign_mechanism)mechanism;
	digest = rd_bytes(&r, md_len(j.md), "digest");
	if (digest != NULL)
		memcpy(j.digest, digest, md_len(j.md));
	j.deadline_ms = rd_u32le(&r, "deadline");
	if (!payload_end(&r, "sign", e))
		return false;
	if (j.key[0] == '\0')
		return kd_fail(e, KD_E_PROTOCOL, "sign: key name: is empty");
	if (j.deadline_ms == 0)
		return kd_fail(e, KD_E_PROTOCOL, "sign: deadline: is 0");
	*ret = j;
	return true;
}

static uint8_t
result_code_number(enum kd_code c)
{
	uint8_t i = 0;

	while (result_codes[i] != c && result_codes[i] != KD_E_BUG)
		i++;
	return i;
}

void
sign_result_encode(const struct sign_result *s, struct buf *ret)
{
	assert(s->signature_len <= SIGNER_SIGNATURE_MAX);
	buf_u8(ret, result_code_number(s->code));
	buf_u8(ret, s->heard);
	buf_u64le(ret, s->ckr);
	buf_u32le(ret, s->token_us);
	payload_put_text(ret, s->detail);
	buf_u16le(ret, (uint16_t)s->signature_len);
	buf_add(ret, s->signature, s->signature_len);
}

/* u16 length and bytes; 0 and untouched dst after a finding. */
static size_t
read_blob(struct rd *r, uint8_t *dst, size_t max, const char *what, struct kd_err *e)
{
	size_t n = rd_u16le(r, what);
	const uint8_t *p;

	if (n > max) {
		kd_fail(
		    e, KD_E_PROTOCOL, "%s: %zu bytes, at most %zu allowed", what, n, max);
		return 0;
	}
	p = rd_bytes(r, n, what);
	if (p == NULL)
		return 0;
	memcpy(dst, p, n);
	return n;
}

bool
sign_result_decode(struct rd r, struct sign_result *ret, struct kd_err *e)
{
	struct sign_result s = {0};
	unsigned code = rd_u8(&r, "code");

	if (code >= KD_ARRAY_LEN(result_codes))
		kd_fail(e, KD_E_PROTOCOL, "unknown code %u", code);
	else
		s.code = result_codes[code];
	s.heard = payload_bool(&r, "heard", e);
	s.ckr = rd_u64le(&r, "CK_RV");
	s.token_us = rd_u32le(&r, "time in the token");
	payload_text(&r, s.detail, SIGNER_DETAIL_MAX, "detail", e);
	s.signature_len =
	    read_blob(&r, s.signature, SIGNER_SIGNATURE_MAX, "signature", e);
	if (!payload_end(&r, "signature", e))
		return false;
	if ((s.code == KD_OK) != (s.signature_len != 0))
		return kd_fail(e, KD_E_PROTOCOL,
		    "signature: code %u with %zu bytes of signature", code,
		    s.signature_len);
	if (!s.heard && (s.code == KD_OK || s.code == KD_E_UNKNOWN_OUTCOME))
		return kd_fail(e, KD_E_PROTOCOL,
		    "signature: code %u, yet the token never heard of it", code);
	*ret = s;
	return true;
}

static void
encode_key(const struct signer_key *k, struct buf *ret)
{
	assert(k->spki_len <= SIGNER_SPKI_MAX);
	payload_put_text(ret, k->name);
	buf_u8(ret, k->ready);
	buf_u8(ret, (uint8_t)k->mechanism);
	buf_u16le(ret, k->bits);
	buf_u32le(ret, k->attrs);
	buf_u32le(ret, k->relaxed);
	buf_u16le(ret, (uint16_t)k->spki_len);
	buf_add(ret, k->spki, k->spki_len);
	payload_put_text(ret, k->detail);
}

void
signer_state_encode(const struct signer_state *s, struct buf *ret)
{
	assert(s->keys_n <= SIGNER_KEYS_MAX);
	buf_u8(ret, (uint8_t)s->token);
	payload_put_text(ret, s->label);
	payload_put_text(ret, s->serial);
	payload_put_text(ret, s->model);
	buf_u16le(ret, s->sessions);
	buf_u32le(ret, s->child_pid);
	buf_u32le(ret, s->restarts);
	payload_put_text(ret, s->detail);
	buf_u16le(ret, (uint16_t)s->keys_n);
	for (size_t i = 0; i < s->keys_n; i++)
		encode_key(&s->keys[i], ret);
	buf_u8(ret, (uint8_t)s->breaker);
	buf_u32le(ret, s->opened);
	buf_u32le(ret, s->retry_ms);
}

static void
read_key(struct rd *r, struct signer_key *k, struct kd_err *e)
{
	unsigned mechanism;

	payload_text(r, k->name, SIGNER_KEY_NAME_MAX, "key name", e);
	k->ready = payload_bool(r, "key ready", e);
	mechanism = rd_u8(r, "key mechanism");
	k->mechanism = (enum sign_mechanism)mechanism;
	k->bits = rd_u16le(r, "key bits");
	k->attrs = rd_u32le(r, "key attributes");
	k->relaxed = rd_u32le(r, "relaxed flaws");
	k->spki_len = read_blob(r, k->spki, SIGNER_SPKI_MAX, "public key", e);
	payload_text(r, k->detail, SIGNER_DETAIL_MAX, "key detail", e);
	if (r->bad != NULL)
		return;
	if (k->name[0] == '\0')
		kd_fail(e, KD_E_PROTOCOL, "key name: is empty");
	else if (mechanism != 0 && !mechanism_known(mechanism))
		kd_fail(e, KD_E_PROTOCOL, "unknown mechanism %u", mechanism);
	else if (k->attrs > KEY_ATTR_ALL)
		kd_fail(e, KD_E_PROTOCOL, "unknown key attributes %#x", k->attrs);
	else if (k->relaxed > CUSTODY_FLAW_ALL)
		kd_fail(e, KD_E_PROTOCOL, "unknown flaws %#x are relaxed", k->relaxed);
	else if (k->ready && mechanism == 0)
		kd_fail(e, KD_E_PROTOCOL, "a ready key without mechanism");
}

static bool
read_keys(struct rd *r, struct signer_state *s, struct kd_err *e)
{
	size_t n = rd_u16le(r, "number of keys");

	if (e->code != KD_OK || r->bad != NULL)
		return payload_end(r, "state", e);
	if (n > SIGNER_KEYS_MAX)
		return kd_fail(e, KD_E_PROTOCOL, "state: %zu keys, at most %d allowed", n,
		    SIGNER_KEYS_MAX);
	s->keys = kd_alloc_array(n, sizeof(*s->keys));
	if (s->keys == NULL)
		return kd_fail_nomem(e, "state of the signer");
	s->keys_n = n;
	for (size_t i = 0; i < n && r->bad == NULL; i++)
		read_key(r, &s->keys[i], e);
	return true;
}

static void
read_breaker(struct rd *r, struct signer_state *s, struct kd_err *e)
{
	unsigned breaker = rd_u8(r, "breaker");

	if (r->bad == NULL && breaker > BREAKER_HALF_OPEN)
		kd_fail(e, KD_E_PROTOCOL, "unknown breaker state %u", breaker);
	s->breaker = (enum token_breaker)breaker;
	s->opened = rd_u32le(r, "times opened");
	s->retry_ms = rd_u32le(r, "time until a retry");
}

bool
signer_state_decode(struct rd r, struct signer_state *ret, struct kd_err *e)
{
	AUTO(signer_state_clear) struct signer_state s = {0};
	unsigned token = rd_u8(&r, "token state");

	if (r.bad == NULL && (token < TOKEN_STARTING || token > TOKEN_FAILED))
		kd_fail(e, KD_E_PROTOCOL, "unknown token state %u", token);
	s.token = (enum token_state)token;
	payload_text(&r, s.label, sizeof(s.label) - 1, "token label", e);
	payload_text(&r, s.serial, sizeof(s.serial) - 1, "token serial", e);
	payload_text(&r, s.model, sizeof(s.model) - 1, "token model", e);
	s.sessions = rd_u16le(&r, "sessions");
	s.child_pid = rd_u32le(&r, "child pid");
	s.restarts = rd_u32le(&r, "restarts");
	payload_text(&r, s.detail, SIGNER_DETAIL_MAX, "detail", e);
	if (!read_keys(&r, &s, e))
		return false;
	read_breaker(&r, &s, e);
	if (!payload_end(&r, "state", e))
		return false;
	*ret = s;
	s = (struct signer_state){0};
	return true;
}

void
signer_state_clear(struct signer_state *s)
{
	free(s->keys);
	*s = (struct signer_state){0};
}

void
sign_bad_encode(const struct sign_bad *b, struct buf *ret)
{
	payload_put_text(ret, b->key);
	payload_put_text(ret, b->detail);
}

bool
sign_bad_decode(struct rd r, struct sign_bad *ret, struct kd_err *e)
{
	struct sign_bad b = {0};

	payload_text(&r, b.key, SIGNER_KEY_NAME_MAX, "key name", e);
	payload_text(&r, b.detail, SIGNER_DETAIL_MAX, "detail", e);
	if (!payload_end(&r, "bad", e))
		return false;
	*ret = b;
	return true;
}

const char *
token_breaker_name(enum token_breaker b)
{
	static const char *const names[] = {"closed", "open", "half-open"};

	return (unsigned)b < KD_ARRAY_LEN(names) ? names[b] : "unknown";
}

const char *
token_state_name(enum token_state s)
{
	switch (s) {
	case TOKEN_STARTING:
		return "starting";
	case TOKEN_READY:
		return "ready";
	case TOKEN_ABSENT:
		return "absent";
	case TOKEN_LATCHED:
		return "latched";
	case TOKEN_FAILED:
		return "failed";
	}
	return "unknown";
}
