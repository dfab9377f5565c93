/* SPDX-License-Identifier: Apache-2.0 */
/* client/cmd_keys.c - kdsign-client keys: the keys that this client may use. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "client/client.h"
#include "client/server.h"

static void
put_table(struct buf *b, const struct api_keys *keys)
{
	int widest = 4;

	for (size_t i = 0; i < keys->n; i++) {
		int len = (int)strlen(keys->v[i].name);

		widest = len > widest ? len : widest;
	}
	buf_printf(b, "%-*s  %-10s  %-40s  %-10s  %s\n", widest, "NAME", "ALGORITHM",
	    "SHA-1 THUMBPRINT", "EXPIRES", "READY");
	for (size_t i = 0; i < keys->n; i++) {
		const struct api_key *k = &keys->v[i];
		char algorithm[32], sha1[41];

		(void)snprintf(
		    algorithm, sizeof(algorithm), "%s-%u", k->algorithm, k->bits);
		text_hex_to(sha1, k->sha1, sizeof(k->sha1));
		buf_printf(b, "%-*s  %-10s  %-40s  %.10s  %s%s%s\n", widest, k->name,
		    SHOW(algorithm), sha1, SHOW(k->not_after), k->ready ? "yes" : "no",
		    k->detail[0] != '\0' ? ": " : "", SHOW(k->detail));
	}
}

/* Below the table, because they are sentences: how each is kept, and what to look at. */
static void
put_custody(struct buf *b, const struct api_key *k)
{
	static const char *const good = "made on the token, never to leave it";
	bool born = k->sensitive && k->always_sensitive && !k->extractable &&
		    k->never_extractable && k->local;

	buf_printf(b, "%s: %s\n", k->name,
	    !k->known ? "no token has told how it is kept"
	    : born    ? good
		      : "custody has flaws");
	for (size_t i = 0; i < k->tokens.n; i++)
		buf_printf(b, "  %s\n", SHOW(k->tokens.v[i]));
	for (size_t i = 0; i < k->warnings.n; i++)
		buf_printf(b, "  warning: %s\n", SHOW(k->warnings.v[i]));
}

/* One document a line: each starts in a buffer of its own, or it would get a comma. */
static void
put_lines(struct buf *b, const struct api_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++) {
		AUTO(buf_clear) struct buf line = {0};

		api_key_encode(&keys->v[i], &line);
		buf_u8(&line, '\n');
		buf_add(b, line.p, line.len);
		b->failed |= line.failed;
	}
}

static bool
keys(struct client *c, struct kd_err *e)
{
	AUTO(server_close) struct server *s = NULL;
	AUTO(api_keys_clear) struct api_keys granted = {0};
	AUTO(buf_clear) struct buf b = {0};

	if (!net_init(e) || !server_open(&c->settings, &s, e) ||
	    !server_keys(s, &granted, e))
		return false;
	if (c->json) {
		put_lines(&b, &granted);
	} else if (granted.n == 0) {
		buf_str(&b, "this client is granted no key\n");
	} else {
		put_table(&b, &granted);
		buf_u8(&b, '\n');
		for (size_t i = 0; i < granted.n; i++)
			put_custody(&b, &granted.v[i]);
	}
	outcome_print(&c->outcome, &b);
	return true;
}

static void
run(struct client *c, const void *options, char **files, size_t n)
{
	struct kd_err e = {0};

	(void)options, (void)files, (void)n;
	if (!keys(c, &e))
		outcome_fail(&c->outcome, NULL, &e);
}

const struct command cmd_keys = {
    .name = "keys",
    .args = "",
    .summary = "list the keys that this client may use",
    .run = run,
};
