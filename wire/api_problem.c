/* SPDX-License-Identifier: Apache-2.0 */
/* wire/api_problem.c - application/problem+json (RFC 9457): why a whole request failed.
 */
#include <string.h>

#include "base/text.h"
#include "wire/api.h"
#include "wire/api_schema.h"

void
api_problem_encode(const struct kd_err *e, const char *request_id, struct buf *ret)
{
	const struct kd_code_info *info = kd_code_info(e->code);

	jw_open(ret);
	jw_str(ret, "type", "about:blank");
	jw_str(ret, "title", info->title);
	jw_uint(ret, "status", (uint64_t)info->http);
	jw_str(ret, "detail", e->msg);
	jw_str(ret, "code", info->name);
	if (request_id != NULL)
		jw_str(ret, "request_id", request_id);
	if (e->hint[0] != '\0')
		jw_str(ret, "hint", e->hint);
	jw_close(ret);
}

enum kd_code
api_code_by_name(const char *name)
{
	for (size_t i = 0; api_codes[i] != KD_OK; i++)
		if (strcmp(kd_code_info(api_codes[i])->name, name) == 0)
			return api_codes[i];
	return KD_E_BUG;
}

bool
api_problem_decode(const char *p, size_t n, struct kd_err *ret_problem, struct kd_err *e)
{
	char detail[sizeof(ret_problem->msg)], hint[sizeof(ret_problem->hint)];
	AUTO(json_free) struct json *j = NULL;
	const char *name, *text, *advice;
	enum kd_code code;
	struct jo o;

	if (!json_parse(p, n, &j, e))
		return api_answer_bad("the server's problem", e);
	o = jo_top(j, e);
	name = api_get_str(&o, &api_problem_schema, "code");
	text = api_get_str(&o, &api_problem_schema, "detail");
	advice = api_get_str(&o, &api_problem_schema, "hint");
	code = api_code_by_name(name);
	if (code == KD_E_BUG && api_get_uint(&o, &api_problem_schema, "status") == 503)
		code = KD_E_BUSY;
	if (!api_answer_end(&o))
		return api_answer_bad("the server's problem", e);
	*ret_problem = (struct kd_err){0};
	kd_fail(ret_problem, code, "%s",
	    text_show(detail, sizeof(detail), text, strlen(text)));
	if (advice != NULL)
		kd_hint(ret_problem, "%s",
		    text_show(hint, sizeof(hint), advice, strlen(advice)));
	return true;
}
