/* SPDX-License-Identifier: Apache-2.0 */
/* client/cmd_status.c - kdsign-client status: can the service sign now? */
#include <string.h>

#include "base/text.h"
#include "client/client.h"
#include "client/server.h"

/* In words, unless all is well: "closed" says little to who never saw a breaker. */
static const char *
breaker_words(const char *state)
{
	if (state[0] == '\0' || strcmp(state, "closed") == 0)
		return "";
	if (strcmp(state, "open") == 0)
		return ", breaker open (it failed and is left alone for a while)";
	if (strcmp(state, "half-open") == 0)
		return ", breaker half-open (it failed and is looked at again)";
	return ", breaker in a state that this client does not know";
}

static void
put_token(struct buf *b, const struct api_ready_token *t)
{
	buf_printf(b, "token       %s: %s", SHOW(t->signer), SHOW(t->state));
	if (t->label[0] != '\0' || t->serial[0] != '\0')
		buf_printf(b, ", %s (%s), %u of %u sessions in use", SHOW(t->label),
		    SHOW(t->serial), t->sessions_in_use, t->sessions);
	if (t->restarts > 0)
		buf_printf(b, ", module restarted %u times", t->restarts);
	buf_str(b, breaker_words(t->breaker));
	buf_printf(b, "%s%s\n", t->detail[0] != '\0' ? ": " : "", SHOW(t->detail));
}

static void
put_text(struct buf *b, const struct api_ready *r, const char *server)
{
	buf_printf(b, "server      %s, kdsign %s\n", SHOW(server), SHOW(r->version));
	buf_printf(b, "ready       %s\n", r->ready ? "yes" : "no");
	buf_printf(b, "separation  %s\n", SHOW(r->separation));
	buf_printf(b, "record      %s\n", SHOW(r->record));
	if (r->relay[0] != '\0')
		buf_printf(b, "relay       %s\n", SHOW(r->relay));
	for (size_t i = 0; i < r->tokens_n; i++)
		put_token(b, &r->tokens[i]);
	for (size_t i = 0; i < r->keys_n; i++) {
		const struct api_ready_key *k = &r->keys[i];

		buf_printf(b, "key         %s: %s", SHOW(k->name),
		    k->ready ? "ready" : "not ready");
		if (!k->ready)
			buf_printf(b, " (%s): %s", SHOW(k->code), SHOW(k->detail));
		buf_printf(
		    b, "%s%s\n", k->token[0] != '\0' ? ", token " : "", SHOW(k->token));
		for (size_t j = 0; j < k->warnings.n; j++)
			buf_printf(b, "            warning: %s\n", SHOW(k->warnings.v[j]));
	}
}

static bool
status(struct client *c, struct kd_err *e)
{
	AUTO(server_close) struct server *s = NULL;
	AUTO(api_ready_clear) struct api_ready ready = {0};
	AUTO(buf_clear) struct buf b = {0};

	if (!net_init(e) || !server_open(&c->settings, &s, e) ||
	    !server_ready(s, &ready, e))
		return false;
	if (c->json) {
		api_ready_encode(&ready, &b);
		buf_u8(&b, '\n');
	} else if (!c->quiet) {
		put_text(&b, &ready, c->settings.server);
	}
	outcome_print(&c->outcome, &b);
	if (!ready.ready)
		c->outcome.status = outcome_worse(
		    kd_code_info(KD_E_TOKEN)->exit_client, c->outcome.status);
	return true;
}

static void
run(struct client *c, const void *options, char **files, size_t n)
{
	struct kd_err e = {0};

	(void)options, (void)files, (void)n;
	if (!status(c, &e))
		outcome_fail(&c->outcome, NULL, &e);
}

const struct command cmd_status = {
    .name = "status",
    .args = "",
    .summary = "is the service ready to sign?",
    .run = run,
};
