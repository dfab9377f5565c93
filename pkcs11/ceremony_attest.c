/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_attest.c - "attest": what the token says of a key, as a signed
 * statement. */
#include "config.h"

#include "pkcs11/ceremony.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/num.h"
#include "base/text.h"
#include "pkcs11/attr.h"
#include "pkcs11/ceremony_facts.h"
#include "pkcs11/ceremony_look.h"
#include "pkcs11/ceremony_out.h"
#include "pkcs11/ceremony_tool_key.h"
#include "pkcs11/ceremony_vendor.h"
#include "pkcs11/rv.h"
#include "wire/json.h"

#define MODULE_MAX ((size_t)256 << 20)

AUTO_DEFINE(EVP_PKEY, EVP_PKEY_free);

static const char format[] = "kdsign custody statement 1";
static const char basis[] = "read from the PKCS#11 module by C_GetAttributeValue; as "
			    "true as module and token are";

static void
put_padded(struct buf *b, const char *name, const CK_UTF8CHAR *s, size_t n)
{
	char safe[SHOW_LEN];

	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\0'))
		n--;
	jw_str(b, name, text_show(safe, sizeof(safe), (const char *)s, n));
}

static void
put_version(struct buf *b, const char *name, CK_VERSION v)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u.%u", v.major, v.minor);
	jw_str(b, name, text);
}

/* Which code was asked: the file's hash says it better than its name. */
static bool
put_module(const struct ceremony *c, struct buf *b, struct kd_err *e)
{
	AUTO(buf_clear) struct buf file = {.max = MODULE_MAX + 1};
	char hash[TRANSCRIPT_HASH_LEN + 1];
	CK_INFO info = {0};
	CK_RV rv = token_fns(c->token)->C_GetInfo(&info);

	if (rv != CKR_OK)
		return rv_fail(e, rv, "C_GetInfo");
	if (!file_read_all(c->module, MODULE_MAX, &file, e) ||
	    !transcript_hash(file.p, file.len, hash, e))
		return kd_in(e, "module");
	jw_open_member(b, "module");
	put_padded(
	    b, "description", info.libraryDescription, sizeof(info.libraryDescription));
	put_padded(b, "manufacturer", info.manufacturerID, sizeof(info.manufacturerID));
	jw_str(b, "path", SHOW(c->module));
	jw_str(b, "sha256", hash);
	put_version(b, "version", info.libraryVersion);
	jw_close(b);
	return true;
}

static bool
put_token(const struct ceremony *c, struct buf *b, struct kd_err *e)
{
	const struct token_info *i = token_info(c->token);
	CK_TOKEN_INFO info = {0};
	CK_RV rv = token_fns(c->token)->C_GetTokenInfo(token_slot(c->token), &info);

	if (rv != CKR_OK)
		return rv_fail(e, rv, "C_GetTokenInfo");
	jw_open_member(b, "token");
	put_version(b, "firmware", info.firmwareVersion);
	put_version(b, "hardware", info.hardwareVersion);
	jw_str(b, "label", SHOW(i->label));
	jw_str(b, "manufacturer", SHOW(i->manufacturer));
	jw_str(b, "model", SHOW(i->model));
	jw_str(b, "serial", SHOW(i->serial));
	jw_close(b);
	return true;
}

static void
put_verdict(const struct facts *f, struct buf *b)
{
	AUTO(buf_clear) struct buf wrong = {.max = 4096};

	jw_bool(b, "custody_good", facts_wrong(f, FACT_MUST, &wrong) == 0);
	jw_str(b, "custody_wrong", wrong.len > 0 ? buf_cstr(&wrong) : "");
}

static void
put_key(const struct ceremony *c, const struct ceremony_key *key, struct buf *b)
{
	char type[16];

	look_type(&key->k, type);
	jw_open_member(b, "key");
	jw_str(b, "id", c->entry.key_id);
	jw_str(b, "label", SHOW(key->label));
	jw_base64(b, "public_key", key->k.spki, key->k.spki_len);
	jw_str(b, "spki_sha256", c->entry.key_spki_sha256);
	jw_str(b, "type", type);
	jw_close(b);
}

/* Those that are stored for the key. */
static bool
put_certs(struct ceremony *c, struct buf *b, struct kd_err *e)
{
	CK_OBJECT_HANDLE o[LOOK_MAX];
	size_t n;

	if (!look_find(c->token, CKO_CERTIFICATE, o, &n, e))
		return false;
	jw_arr_open(b, "certificates");
	for (size_t i = 0; i < n; i++) {
		AUTO(look_cert_clear) struct look_cert cert = {0};

		if (!look_cert(c->token, o[i], &cert) || cert.made ||
		    strcmp(cert.spki_sha256, c->entry.key_spki_sha256) != 0)
			continue;
		jw_open(b);
		jw_base64(b, "der", cert.der.p, cert.der.len);
		jw_str(b, "issuer", cert.issuer);
		jw_str(b, "not_after", cert.until);
		jw_str(b, "sha256", cert.sha256);
		jw_str(b, "subject", cert.subject);
		jw_close(b);
	}
	jw_arr_close(b);
	return true;
}

/* Members sorted, no blanks, one line; attributes in the order of the table. */
static bool
put_statement(struct ceremony *c, const struct ceremony_key *key,
    const struct vendor *vendor, struct buf *b, struct kd_err *e)
{
	char now[CLOCK_UTC_LEN];
	struct facts f;

	clock_utc(now, clock_unix_ms());
	facts_read(c->token, key->handle, &f);
	jw_open(b);
	facts_put_json(&f, b);
	jw_str(b, "basis", basis);
	if (!put_certs(c, b, e))
		return false;
	if (attr_fault(e)) /* what could not be read would stand there as not told */
		return kd_in(e, "custody facts");
	put_verdict(&f, b);
	jw_str(b, "format", format);
	put_key(c, key, b);
	if (!put_module(c, b, e))
		return false;
	jw_arr_open(b, "people");
	for (size_t i = 0; i < c->o->people.n; i++)
		jw_str(b, NULL, c->o->people.v[i]);
	jw_arr_close(b);
	jw_str(b, "time", now);
	if (!put_token(c, b, e))
		return false;
	jw_str(b, "tool", CEREMONY_TOOL " " PACKAGE_VERSION);
	jw_open_member(b, "transcript");
	jw_str(b, "head", c->transcript.sum.head);
	jw_uint(b, "lines", c->transcript.sum.lines);
	jw_close(b);
	if (!vendor_put(c, vendor, b, e))
		return false;
	jw_close(b);
	buf_str(b, "\n");
	return buf_ok(b, "statement", e);
}

/* What is handed out. */
struct files {
	struct out statement, signature, public;
};

static void
files_clear(struct files *f)
{
	out_clear(&f->statement);
	out_clear(&f->signature);
	out_clear(&f->public);
}
AUTO_DEFINE_CLEAR(struct files, files_clear);

static bool
open_files(const char *path, struct files *f, struct kd_err *e)
{
	return out_open(path, "", 0, &f->statement, e) &&
	       out_open(path, ".sig", 0, &f->signature, e) &&
	       out_open(path, ".pub", 0, &f->public, e);
}

static bool
sign_and_write(struct ceremony *c, EVP_PKEY *own, const struct buf *text, struct files *f,
    struct kd_err *e)
{
	struct out *const all[] = {&f->statement, &f->signature, &f->public};
	unsigned char signature[TOOL_SIGNATURE_LEN];
	AUTO(buf_clear) struct buf sig = {0};
	AUTO(buf_clear) struct buf pem = {0};
	char own_sha256[65];

	if (!tool_key_sign(own, text, signature, e) ||
	    !tool_key_public(own, &pem, own_sha256, e))
		return false;
	buf_add(&sig, signature, sizeof(signature));
	if (!buf_ok(&sig, "signature", e) || !out_fill(&f->statement, text, e) ||
	    !out_fill(&f->signature, &sig, e) || !out_fill(&f->public, &pem, e) ||
	    !out_place(c, all, KD_ARRAY_LEN(all), e))
		return false;
	ceremony_fact(c, "signed by the tool's key", "SHA-256 %s", own_sha256);
	ceremony_say("%s: signed by this tool's own key, SHA-256 %s\n"
		     "verify with:\n"
		     "    openssl pkeyutl -verify -rawin -pubin -inkey %s.pub -in %s "
		     "-sigfile %s.sig",
	    c->o->out, own_sha256, c->o->out, c->o->out, c->o->out);
	return true;
}

static bool
attest(struct ceremony *c, const struct ceremony_key *key, struct vendor *vendor,
    struct files *files, struct kd_err *e)
{
	AUTO(EVP_PKEY_free) EVP_PKEY *own = NULL;
	AUTO(buf_clear) struct buf text = {.max = JSON_LEN_MAX};
	bool made = false;

	if (!vendor_find(c, vendor, e) || !vendor_check(c, vendor, e) ||
	    !tool_key_load(c->state, &own, &made, e))
		return false;
	if (made)
		ceremony_fact(c, "the tool's key", "made: there was none");
	return put_statement(c, key, vendor, &text, e) &&
	       sign_and_write(c, own, &text, files, e);
}

static bool
recorded(struct ceremony *c, struct vendor *vendor, struct kd_err *e)
{
	AUTO(ceremony_key_clear) struct ceremony_key key = {0};
	AUTO(files_clear)
	struct files files = {{.r.fd = -1}, {.r.fd = -1}, {.r.fd = -1}};
	bool done;

	if (!open_files(c->o->out, &files, e) || !ceremony_login(c, e) ||
	    !ceremony_key_find(c, &key, e) || !ceremony_key_spki(&key, e) ||
	    !ceremony_begin(c, e))
		return false;
	done = attest(c, &key, vendor, &files, e);
	return ceremony_end(c, done ? NULL : e, e);
}

bool
ceremony_attest(struct ceremony *c, struct kd_err *e)
{
	AUTO(vendor_clear) struct vendor vendor = {0};

	if (c->o->out == NULL)
		return kd_fail(e, KD_E_USAGE, "where to? --out FILE");
	if (!vendor_load_roots(c, &vendor, e))
		return false;
	if (!c->o->dry_run)
		return recorded(c, &vendor, e);
	ceremony_say("would read what token '%s', serial %s, says of key '%s', sign it with "
		     "this tool's own key, and write %s, %s.sig and %s.pub",
	    SHOW(token_info(c->token)->label), SHOW(token_info(c->token)->serial),
	    SHOW(c->o->key), c->o->out, c->o->out, c->o->out);
	return true;
}
