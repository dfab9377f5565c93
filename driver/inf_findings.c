/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_findings.c - what is wrong with a driver package, in Inf2Cat's words. */
#include "driver/inf_findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define FIRST_ROOM 16
#define TEXT_MAX 600

void
inf_findings_clear(struct inf_findings *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].path);
		free(f->v[i].text);
	}
	free(f->v);
	*f = (struct inf_findings){0};
}

const char *
inf_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static bool
grow(struct inf_findings *f)
{
	size_t room = f->room == 0 ? FIRST_ROOM : 2 * f->room;
	struct inf_finding *v;

	if (f->n < f->room)
		return true;
	v = kd_realloc_array(f->v, room, sizeof(*v));
	if (v == NULL)
		return false;
	f->v = v;
	f->room = room;
	return true;
}

bool
inf_find(struct inf_findings *to, enum inf_severity severity, const char *number,
    const struct inf *inf, unsigned line, const char *hint, struct kd_err *e,
    const char *fmt, ...)
{
	struct inf_finding one = {
	    .severity = severity, .number = number, .line = line, .hint = hint};
	char text[TEXT_MAX];
	va_list args;

	if (severity == INF_ERROR)
		to->errors++;
	else
		to->warnings++;
	if (to->n == INF_FINDINGS_MAX)
		return true;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	one.path = kd_strdup(inf->path);
	one.text = kd_strdup(text);
	if (one.path != NULL && one.text != NULL && grow(to)) {
		to->v[to->n++] = one;
		return true;
	}
	free(one.path);
	free(one.text);
	return kd_fail_nomem(e, "findings");
}

bool
inf_findings_add(
    struct inf_findings *to, const struct inf_findings *from, struct kd_err *e)
{
	size_t errors = to->errors + from->errors;
	size_t warnings = to->warnings + from->warnings;

	for (size_t i = 0; i < from->n; i++) {
		const struct inf_finding *f = &from->v[i];

		if (!inf_find(to, f->severity, f->number,
			&(const struct inf){.path = f->path}, f->line, f->hint, e, "%s",
			f->text))
			return false;
	}
	to->errors = errors; /* also those that were not kept */
	to->warnings = warnings;
	return true;
}
