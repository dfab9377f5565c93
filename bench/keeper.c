/* SPDX-License-Identifier: Apache-2.0 */
/* bench/keeper.c - requests through kdsign-keeper's socket, as the front would hand them
 * over. */
#include <stdio.h>

#include "authenticode/cert.h"
#include "base/num.h"
#include "bench/items.h"
#include "bench/link.h"
#include "wire/api.h"
#include "wire/front_msg.h"

#define CONCURRENT_MAX 1024
#define DEADLINE_MS 30000

static bool
send_ask(struct link *l, struct ask *a, struct items *s, uint64_t id, struct kd_err *e)
{
	size_t mark = frame_out_begin(&l->out, FRAME_ASK, id);
	const struct buf *body = items_next(s);

	(void)snprintf(
	    a->request_id, sizeof(a->request_id), "%032llx", (unsigned long long)id);
	a->body = (struct der){.p = body->p, .len = body->len};
	ask_encode(a, &l->out.buf);
	return frame_out_end(&l->out, mark, e);
}

static bool
take_answer(const struct frame *f, const struct items *s, struct kd_err *e)
{
	struct answer a;

	return answer_decode(f->payload, &a, e) &&
	       items_check(s, a.status, a.body.p, a.body.len, e);
}

static bool
run(struct meter *m, struct link *l, struct ask *a, struct items *s, uint64_t concurrent,
    struct kd_err *e)
{
	uint64_t id = 0;
	struct frame f;

	meter_start(m);
	while (id < concurrent)
		if (!send_ask(l, a, s, id++, e))
			return false;
	do {
		if (!link_next(l, &f, e) || !take_answer(&f, s, e) ||
		    !send_ask(l, a, s, id++, e))
			return false;
	} while (meter_count(m, s->batch));
	return true;
}

bool
load_keeper(struct meter *m, char **argv, struct kd_err *e)
{
	AUTO(link_clear) struct link l = LINK_NONE;
	AUTO(certs_free) struct certs *chain = NULL;
	AUTO(items_clear) struct items s = {0};
	struct ask a = {
	    .route = ASK_SIGN, .deadline_ms = DEADLINE_MS, .peer = "192.0.2.7:51234"};
	uint64_t concurrent, batch;

	if (!certs_new(&chain, e) || !certs_load(chain, argv[1], e) ||
	    !kd_parse_u64(argv[3], 1, CONCURRENT_MAX, &concurrent, e) ||
	    !kd_parse_u64(argv[4], 1, API_ITEMS_MAX, &batch, e) ||
	    !items_make(&s, argv[2], batch, e) || !link_open(&l, argv[0], e))
		return false;
	for (; a.chain_n < certs_n(chain) && a.chain_n < ASK_CHAIN_MAX; a.chain_n++)
		a.chain[a.chain_n].p =
		    certs_der(chain, a.chain_n, &a.chain[a.chain_n].len);
	return run(m, &l, &a, &s, concurrent, e);
}
