/* SPDX-License-Identifier: Apache-2.0 */
/* client/outcome.c - what is printed, what failed, and the exit status of it all. */
#include "client/outcome.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "base/num.h"
#include "client/progress.h"
#include "wire/json.h"

static const int worst_first[] = {2, 7, 4, 3, 1, 5, 6, 0};

static size_t
rank(int status)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(worst_first); i++) {
		if (worst_first[i] == status)
			return i;
	}
	return 0;
}

int
outcome_worse(int a, int b)
{
	return rank(a) <= rank(b) ? a : b;
}

void
outcome_json_open(struct buf *b, const char *file, bool ok)
{
	jw_open(b);
	if (file != NULL)
		jw_str(b, "file", file);
	jw_bool(b, "ok", ok);
}

void
outcome_json_error(struct buf *b, const struct kd_err *e)
{
	jw_open_member(b, "error");
	jw_str(b, "code", kd_code_info(e->code)->name);
	jw_str(b, "detail", e->msg);
	if (e->hint[0] != '\0')
		jw_str(b, "hint", e->hint);
	jw_close(b);
}

void
outcome_json_close(struct buf *b)
{
	jw_close(b);
	buf_u8(b, '\n');
}

void
outcome_fail_again(struct outcome *o, const char *file, const struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};

	o->status = outcome_worse(kd_code_info(e->code)->exit_client, o->status);
	if (!o->json)
		return;
	outcome_json_open(&b, file, false);
	outcome_json_error(&b, e);
	outcome_json_close(&b);
	outcome_print(o, &b);
}

void
outcome_fail_said(struct outcome *o, const struct kd_err *e)
{
	progress_hide();
	log_err(LOG_L_ERROR, e);
	o->status = outcome_worse(kd_code_info(e->code)->exit_client, o->status);
}

void
outcome_fail(struct outcome *o, const char *file, const struct kd_err *e)
{
	progress_hide();
	log_err(LOG_L_ERROR, e);
	outcome_fail_again(o, file, e);
}

void
outcome_print(struct outcome *o, struct buf *b)
{
	struct kd_err e = {0};

	progress_hide();
	if (!buf_ok(b, "output", &e)) {
		log_err(LOG_L_ERROR, &e);
		o->status = outcome_worse(kd_code_info(e.code)->exit_client, o->status);
	} else if (b->len != 0 && fwrite(b->p, 1, b->len, stdout) != b->len) {
		o->output_failed = true;
		o->output_errno = errno;
	}
	buf_clear(b);
}

int
outcome_end(struct outcome *o)
{
	struct kd_err e = {0};

	if (fflush(stdout) != 0 || o->output_failed) {
		(void)kd_fail_errno(&e, KD_E_IO,
		    o->output_errno != 0 ? o->output_errno : errno,
		    "standard output cannot be written");
		log_err(LOG_L_ERROR, &e);
		o->status = outcome_worse(kd_code_info(e.code)->exit_client, o->status);
	}
	return o->status;
}
