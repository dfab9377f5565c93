/* SPDX-License-Identifier: Apache-2.0 */
/* client/show_verdict.c - the kernel's and the installer's verdict, as tables for people
 * or as JSON. */
#include "client/show_verdict.h"

#include <string.h>

#include "base/text.h"
#include "wire/json.h"

#define GREEN "\033[32m"
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

struct row { /* of either table */
	const char *word, *colour, *release, *why;
};

static void
put_row(struct buf *b, const struct row *r, bool with_reason, bool colour)
{
	buf_printf(b, "    %s%-8s%s %s\n", colour ? r->colour : "", r->word,
	    colour ? PLAIN : "", r->release);
	if (with_reason)
		buf_printf(b, "             %s\n", r->why);
}

static bool
same_reason(const struct row *a, const struct row *b)
{
	return strcmp(a->word, b->word) == 0 && strcmp(a->why, b->why) == 0;
}

static struct row
kernel_row(const struct kernel_verdict *v)
{
	return (struct row){v->loads ? "loads" : "refused", v->loads ? GREEN : RED,
	    v->release, v->why};
}

static struct row
installer_row(const struct installer_verdict *v)
{
	static const char *const colours[] = {
	    [INSTALLER_SILENT] = GREEN,
	    [INSTALLER_PROMPT] = YELLOW,
	    [INSTALLER_REFUSED] = RED};

	return (struct row){installer_outcome_text(v->outcome), colours[v->outcome],
	    v->release, v->why};
}

static void
kernel_text(struct buf *b, const struct kernel_report *r, bool colour)
{
	buf_printf(b, "  kernel: %s%s%s: %s\n",
	    colour ? (r->policy.loads ? GREEN : RED) : "",
	    r->policy.loads ? "satisfied" : "not satisfied", colour ? PLAIN : "",
	    r->policy.why);
	for (size_t i = 0; i < r->releases_n; i++) {
		struct row row = kernel_row(&r->releases[i]), next;
		bool last = i + 1 == r->releases_n;

		if (!last)
			next = kernel_row(&r->releases[i + 1]);
		put_row(b, &row, last || !same_reason(&row, &next), colour);
	}
	for (size_t i = 0; i < r->notes_n; i++)
		buf_printf(b, "    note: %s\n", r->notes[i]);
}

static void
installer_text(struct buf *b, const struct installer_report *r, bool colour)
{
	const struct installer_verdict *newest = &r->rows[r->rows_n - 1];

	buf_printf(b, "  installer: %s%s%s: %s\n",
	    colour ? (r->installs ? GREEN : RED) : "",
	    r->installs ? "installs" : "does not install", colour ? PLAIN : "",
	    installer_category_text(newest->category));
	for (size_t i = 0; i < r->rows_n; i++) {
		struct row row = installer_row(&r->rows[i]), next;
		bool last = i + 1 == r->rows_n;

		if (!last)
			next = installer_row(&r->rows[i + 1]);
		put_row(b, &row, last || !same_reason(&row, &next), colour);
	}
}

void
show_verdict_text(struct buf *b, const char *file, const struct verdict *v, bool colour)
{
	buf_printf(b, "%s\n", SHOW(file));
	if (v->has_kernel)
		kernel_text(b, &v->kernel, colour);
	if (v->no_driver)
		buf_str(b, "  kernel: not asked: this is no driver image\n");
	if (v->has_installer)
		installer_text(b, &v->installer, colour);
}

static void
kernel_json(struct buf *b, const struct kernel_report *r)
{
	jw_open_member(b, "kernel");
	jw_bool(b, "ok", r->policy.loads);
	jw_str(b, "why", r->policy.why);
	jw_arr_open(b, "releases");
	for (size_t i = 0; i < r->releases_n; i++) {
		jw_open(b);
		jw_str(b, "release", r->releases[i].release);
		jw_bool(b, "loads", r->releases[i].loads);
		jw_str(b, "why", r->releases[i].why);
		jw_close(b);
	}
	jw_arr_close(b);
	jw_arr_open(b, "notes");
	for (size_t i = 0; i < r->notes_n; i++)
		jw_str(b, NULL, r->notes[i]);
	jw_arr_close(b);
	jw_close(b);
}

static void
installer_json(struct buf *b, const struct installer_report *r)
{
	jw_open_member(b, "installer");
	jw_bool(b, "ok", r->installs);
	jw_arr_open(b, "releases");
	for (size_t i = 0; i < r->rows_n; i++) {
		jw_open(b);
		jw_str(b, "release", r->rows[i].release);
		jw_str(b, "outcome", installer_outcome_text(r->rows[i].outcome));
		jw_str(b, "category", installer_category_text(r->rows[i].category));
		jw_str(b, "why", r->rows[i].why);
		jw_close(b);
	}
	jw_arr_close(b);
	jw_close(b);
}

void
show_verdict_json(struct buf *b, const struct verdict *v)
{
	if (v->has_kernel)
		kernel_json(b, &v->kernel);
	if (v->has_installer)
		installer_json(b, &v->installer);
}
