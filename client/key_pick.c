/* SPDX-License-Identifier: Apache-2.0 */
/* client/key_pick.c - which key --key and --sha1 mean. */
#include "client/key_pick.h"

#include <string.h>

#include "base/text.h"

#define THUMBPRINT_DIGITS 40

bool
key_thumbprint(const char *text, uint8_t ret[20], struct kd_err *e)
{
	char digits[THUMBPRINT_DIGITS + 1] = {0};
	struct kd_err inner = {0};
	size_t n = 0;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p == ' ' || *p == ':')
			continue;
		if (n < THUMBPRINT_DIGITS)
			digits[n] = *p;
		n++;
	}
	if (n != THUMBPRINT_DIGITS)
		return kd_fail(e, KD_E_USAGE,
		    "'%s': a SHA-1 thumbprint has 40 hex digits, this %zu", SHOW(text),
		    n);
	if (!text_unhex(digits, ret, 20, &inner))
		return kd_fail(e, KD_E_USAGE,
		    "'%s': a SHA-1 thumbprint has hex digits only", SHOW(text));
	return true;
}

/* "a, b, c" of the granted keys' names. */
static void
list_names(const struct api_keys *keys, char *dst, size_t room)
{
	size_t at = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < keys->n; i++) {
		size_t len = strlen(keys->v[i].name);

		if (len + 6 > room - at) {
			memcpy(dst + at, ", ...", 6);
			return;
		}
		if (at != 0) {
			memcpy(dst + at, ", ", 2);
			at += 2;
		}
		memcpy(dst + at, keys->v[i].name, len + 1);
		at += len;
	}
}

static bool
hint_names(const struct api_keys *keys, struct kd_err *e)
{
	char names[200];

	if (keys->n == 0)
		return kd_hint(e, "this client is granted no key at all");
	list_names(keys, names, sizeof(names));
	return kd_hint(e, "%s: %s",
	    e->code == KD_E_KEY_AMBIGUOUS ? "name one with --key"
					  : "granted to this client",
	    names);
}

bool
key_pick(struct server *s, const char *name, const char *sha1, struct key_choice *ret,
    struct kd_err *e)
{
	AUTO(api_keys_clear) struct api_keys keys = {0};
	struct key_choice choice = {.by_thumbprint = sha1 != NULL};

	if (name != NULL && !api_key_name_ok(name))
		return kd_fail(e, KD_E_USAGE,
		    "'%s': not a key's name, expected 1 to 64 of A-Z a-z 0-9 . _ -",
		    SHOW(name));
	if (name != NULL)
		memcpy(choice.name, name, strlen(name) + 1);
	if (sha1 != NULL) {
		size_t i = 0;

		if (!key_thumbprint(sha1, choice.sha1, e) || !server_keys(s, &keys, e))
			return false;
		while (i < keys.n && memcmp(keys.v[i].sha1, choice.sha1, 20) != 0)
			i++;
		if (i == keys.n) {
			(void)kd_fail(e, KD_E_KEY_UNKNOWN,
			    "'%s': no key with a certificate of that thumbprint is "
			    "granted to this "
			    "client",
			    SHOW(sha1));
			return hint_names(&keys, e);
		}
		if (name != NULL && strcmp(name, keys.v[i].name) != 0)
			return kd_fail(e, KD_E_USAGE,
			    "--key '%s' and --sha1 name two keys: the thumbprint is of "
			    "'%s'",
			    name, keys.v[i].name);
		memcpy(choice.name, keys.v[i].name, sizeof(choice.name));
	}
	*ret = choice;
	return true;
}

static bool
find_named(const struct api_keys *keys, const struct key_choice *key, size_t *ret,
    struct kd_err *e)
{
	size_t i = 0;

	if (key->name[0] == '\0' && keys->n > 1) {
		(void)kd_fail(e, KD_E_KEY_AMBIGUOUS,
		    "this client is granted %zu keys, and none is named", keys->n);
		return hint_names(keys, e);
	}
	while (i < keys->n && key->name[0] != '\0' &&
	       strcmp(keys->v[i].name, key->name) != 0)
		i++;
	*ret = i;
	if (i < keys->n)
		return true;
	(void)kd_fail(e, KD_E_KEY_UNKNOWN,
	    "'%s': no key of that name is granted to this client", key->name);
	return hint_names(keys, e);
}

bool
key_chain(struct server *s, struct key_choice *key, struct certs *ret, struct kd_err *e)
{
	AUTO(api_keys_clear) struct api_keys keys = {0};
	size_t at = 0;

	if (!server_keys(s, &keys, e) || !find_named(&keys, key, &at, e))
		return false;
	for (size_t i = 0; i < keys.v[at].certificates_n; i++) {
		const struct api_cert *c = &keys.v[at].certificates[i];

		if (!certs_add_der(ret, c->der, c->len, e)) {
			e->code = e->code == KD_E_NOMEM ? KD_E_NOMEM : KD_E_PROTOCOL;
			return kd_in(e, "certificate of key '%s'", keys.v[at].name);
		}
	}
	memcpy(key->name, keys.v[at].name, sizeof(key->name));
	return true;
}

void
key_explain(struct server *s, struct kd_err *e)
{
	AUTO(api_keys_clear) struct api_keys keys = {0};
	struct kd_err ignored = {0};

	if (!server_keys(s, &keys, &ignored))
		return;
	e->hint[0] = '\0'; /* the list is the better hint */
	(void)hint_names(&keys, e);
}
