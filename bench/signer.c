/* SPDX-License-Identifier: Apache-2.0 */
/* bench/signer.c - digests through kdsign-signer's socket. */
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "bench/link.h"
#include "bench/loads.h"
#include "wire/signer_msg.h"

#define CONCURRENT_MAX 1024
#define DEADLINE_MS 20000

static bool
send_job(struct link *l, struct sign_job *j, uint64_t id, struct kd_err *e)
{
	size_t mark = frame_out_begin(&l->out, FRAME_SIGN, id);

	load_digest((unsigned)(id % LOAD_ITEMS), j->digest);
	sign_job_encode(j, &l->out.buf);
	return frame_out_end(&l->out, mark, e);
}

static bool
take_result(const struct frame *f, struct kd_err *e)
{
	struct sign_result r;

	if (!sign_result_decode(f->payload, &r, e))
		return false;
	return r.code == KD_OK || kd_fail(e, r.code, "%s", r.detail);
}

bool
load_signer(struct meter *m, char **argv, struct kd_err *e)
{
	AUTO(link_clear) struct link l = LINK_NONE;
	struct sign_job j = {.md = MD_SHA256, .deadline_ms = DEADLINE_MS};
	uint64_t concurrent, id = 0;
	struct frame f;
	bool more = true;

	(void)snprintf(j.key, sizeof(j.key), "%s", argv[1]);
	j.mechanism = strcmp(argv[2], "ecdsa") == 0 ? SIGN_ECDSA : SIGN_RSA_PKCS1;
	if (!kd_parse_u64(argv[3], 1, CONCURRENT_MAX, &concurrent, e) ||
	    !link_open(&l, argv[0], e))
		return false;
	meter_start(m);
	while (id < concurrent)
		if (!send_job(&l, &j, id++, e))
			return false;
	while (more) {
		if (!link_next(&l, &f, e))
			return false;
		if (f.type != FRAME_SIGNATURE)
			continue; /* the token's state */
		if (!take_result(&f, e) || !send_job(&l, &j, id++, e))
			return false;
		more = meter_count(m, 1);
	}
	return true;
}
