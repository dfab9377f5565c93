/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/child_msg.c - messages between the signer's parent and its child. */
#include "pkcs11/child_msg.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/reader.h"
#include "pkcs11/prestart.h"

void
child_text(char *dst, size_t n, const char *s)
{
	(void)snprintf(dst, n, "%s", s);
}

static bool
check_result(const struct child_result *r, size_t n, size_t keys)
{
	return n >= CHILD_RESULT_HEAD && r->len == n - CHILD_RESULT_HEAD &&
	       r->cell < SHARE_CELLS_MAX && r->code < KD_CODES_N && r->key < keys &&
	       (r->code != KD_OK || (r->len > 0 && r->heard)) &&
	       (r->code == KD_OK || r->len <= SIGNER_DETAIL_MAX);
}

static bool
check_key(const struct child_key *k, size_t keys)
{
	uint8_t ready;

	memcpy(&ready, &k->key.ready, sizeof(ready)); /* another value is no bool */
	return k->index < keys && k->key.spki_len <= SIGNER_SPKI_MAX && ready <= 1;
}

static bool
check_fault(const struct child_fault *f)
{
	return (f->state == TOKEN_ABSENT || f->state == TOKEN_FAILED) &&
	       f->misconfigured <= 1 && f->grown <= 1;
}

/* Texts end, whatever the child wrote. */
static void
end_texts(union child_msg *m)
{
	if (m->type == CHILD_FOUND) {
		m->found.label[sizeof(m->found.label) - 1] = '\0';
		m->found.serial[sizeof(m->found.serial) - 1] = '\0';
		m->found.model[sizeof(m->found.model) - 1] = '\0';
		m->found.refuse[SIGNER_DETAIL_MAX] = '\0';
		m->found.other_pin[CERT_PIN_MAX - 1] = '\0';
	} else if (m->type == CHILD_LOGIN) {
		m->login.detail[SIGNER_DETAIL_MAX] = '\0';
	} else if (m->type == CHILD_KEY) {
		m->key.key.name[0] = '\0';
		m->key.key.detail[SIGNER_DETAIL_MAX] = '\0';
	} else if (m->type == CHILD_FAULT) {
		m->fault.detail[SIGNER_DETAIL_MAX] = '\0';
	}
}

bool
child_msg_check(union child_msg *m, size_t n, size_t keys, struct kd_err *e)
{
	uint32_t type = n >= sizeof(m->type) ? m->type : 0;
	bool good = false;

	if (type == CHILD_RESULT)
		good = check_result(&m->result, n, keys);
	else if (type == CHILD_FOUND)
		good = n == sizeof(m->found) && m->found.other <= keys;
	else if (type == CHILD_LOGIN)
		good = n == sizeof(m->login) && m->login.code < KD_CODES_N;
	else if (type == CHILD_KEY)
		good = n == sizeof(m->key) && check_key(&m->key, keys);
	else if (type == CHILD_READY)
		good = n == sizeof(m->ready) && m->ready.sessions > 0 &&
		       m->ready.sessions <= SHARE_SESSIONS_MAX;
	else if (type == CHILD_FAULT)
		good = n == sizeof(m->fault) && check_fault(&m->fault);
	if (!good)
		return kd_fail(
		    e, KD_E_PROTOCOL, "child sent %zu bytes of type %u", n, type);
	end_texts(m);
	return true;
}

static void
put_text(struct buf *b, const char *s)
{
	buf_u32le(b, (uint32_t)strlen(s));
	buf_str(b, s);
}

static char *
get_text(struct rd *r, const char *what)
{
	uint32_t n = rd_u32le(r, what);
	const uint8_t *p = rd_bytes(r, n, what);
	char *s = p != NULL ? kd_alloc((size_t)n + 1) : NULL;

	if (s != NULL)
		memcpy(s, p, n);
	return s;
}

void
child_setup_write(const struct child_setup *s, struct buf *ret)
{
	put_text(ret, s->module);
	put_text(ret, s->token);
	buf_u32le(ret, s->sessions);
	buf_u32le(ret, s->growth_kib);
	buf_u32le(ret, (uint32_t)s->keys);
	for (size_t i = 0; i < s->keys; i++)
		put_text(ret, s->uris[i]);
	for (size_t i = 0; i < s->keys; i++)
		put_text(ret, s->pins[i]);
	buf_u32le(ret, (uint32_t)s->pre_start_n);
	for (size_t i = 0; i < s->pre_start_n; i++)
		put_text(ret, s->pre_start[i]);
}

static void
texts_free(char **v, size_t n)
{
	for (size_t i = 0; v != NULL && i < n; i++)
		free(v[i]);
	free(v);
}

/* n texts; an element that there is no memory for is NULL, as the array is. */
static char **
get_texts(struct rd *r, size_t n, const char *what, bool *nomem)
{
	char **v = kd_alloc_array(n, sizeof(*v));

	*nomem = *nomem || v == NULL;
	for (size_t i = 0; v != NULL && i < n; i++) {
		v[i] = get_text(r, what);
		*nomem = *nomem || v[i] == NULL;
	}
	return v;
}

void
child_setup_clear(struct child_setup *s)
{
	texts_free(s->uris, s->keys);
	texts_free(s->pins, s->keys);
	texts_free(s->pre_start, s->pre_start_n);
	free(s->module);
	free(s->token);
	*s = (struct child_setup){0};
}

bool
child_setup_read(const uint8_t *p, size_t n, struct child_setup *ret, struct kd_err *e)
{
	AUTO(child_setup_clear) struct child_setup s = {0};
	struct rd r = rd_init(p, n);
	bool nomem = false;

	s.module = get_text(&r, "module");
	s.token = get_text(&r, "token");
	s.sessions = rd_u32le(&r, "sessions");
	s.growth_kib = rd_u32le(&r, "growth");
	s.keys = rd_u32le(&r, "keys");
	if (!rd_ok(&r, e))
		return false;
	if (s.keys > SIGNER_KEYS_MAX || s.sessions == 0 ||
	    s.sessions > SHARE_SESSIONS_MAX)
		return kd_fail(
		    e, KD_E_PROTOCOL, "%zu keys, %u sessions", s.keys, s.sessions);
	s.uris = get_texts(&r, s.keys, "key", &nomem);
	s.pins = get_texts(&r, s.keys, "certificate", &nomem);
	s.pre_start_n = rd_u32le(&r, "pre-start");
	if (s.pre_start_n > PRESTART_MAX) {
		s.pre_start_n = 0;
		return kd_fail(e, KD_E_PROTOCOL, "too many pre-start commands");
	}
	s.pre_start = get_texts(&r, s.pre_start_n, "pre-start", &nomem);
	if (!rd_end(&r, e))
		return false;
	if (nomem || s.module == NULL || s.token == NULL)
		return kd_fail_nomem(e, "setup");
	*ret = s;
	s = (struct child_setup){0};
	return true;
}
