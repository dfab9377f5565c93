/* SPDX-License-Identifier: Apache-2.0 */
/* client/package_table.c - verdicts on many files side by side. */
#include "client/package_table.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "wire/json.h"

#define COLUMNS_MAX (KERNEL_RELEASES_MAX + INSTALLER_ROWS_MAX)
#define CELL_LEN 16
#define UNNUMBERED 0

struct verdict_table {
	pthread_mutex_t mu;
	char **reasons; /* lock: mu while it grows; each once; owned */
	size_t n, room;
};

bool
verdict_table_new(struct verdict_table **ret, struct kd_err *e)
{
	struct verdict_table *t = kd_alloc(sizeof(*t));

	if (t == NULL)
		return kd_fail_nomem(e, "table");
	if (pthread_mutex_init(&t->mu, NULL) != 0) {
		free(t);
		return kd_fail(e, KD_E_BUG, "mutex cannot be made");
	}
	*ret = t;
	return true;
}

void
verdict_table_free(struct verdict_table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		free(t->reasons[i]);
	free(t->reasons);
	(void)pthread_mutex_destroy(&t->mu);
	free(t);
}

static bool
take_reason(
    struct verdict_table *t, const char *why, size_t *ret, struct kd_err *e) /* lock: mu */
{
	for (*ret = 0; *ret < t->n; ++*ret)
		if (strcmp(t->reasons[*ret], why) == 0)
			return true;
	if (t->n == t->room) {
		size_t room = t->room == 0 ? 16 : 2 * t->room;
		char **v = kd_realloc_array(t->reasons, room, sizeof(*v));

		if (v == NULL)
			return kd_fail_nomem(e, "table");
		t->reasons = v;
		t->room = room;
	}
	t->reasons[t->n] = kd_strdup(why);
	if (t->reasons[t->n] == NULL)
		return kd_fail_nomem(e, "table");
	t->n++;
	return true;
}

static enum verdict_word
installer_word(enum installer_outcome o)
{
	switch (o) {
	case INSTALLER_SILENT:
		return VERDICT_SILENT;
	case INSTALLER_PROMPT:
		return VERDICT_PROMPT;
	case INSTALLER_REFUSED:
		break;
	}
	return VERDICT_REFUSED;
}

static bool
take_all(struct verdict_table *t, const struct verdict *v, struct verdict_row *ret,
    struct kd_err *e) /* lock: mu */
{
	for (size_t i = 0; v->has_kernel && i < v->kernel.releases_n; i++) {
		const struct kernel_verdict *k = &v->kernel.releases[i];
		struct verdict_cell *c = &ret->kernel[ret->kernel_n++];

		c->release = k->release;
		c->word = k->loads ? VERDICT_LOADS : VERDICT_REFUSED;
		if (!take_reason(t, k->why, &c->reason, e))
			return false;
	}
	for (size_t i = 0; v->has_installer && i < v->installer.rows_n; i++) {
		const struct installer_verdict *k = &v->installer.rows[i];
		struct verdict_cell *c = &ret->installer[ret->installer_n++];

		c->release = k->release;
		c->word = installer_word(k->outcome);
		if (!take_reason(t, k->why, &c->reason, e))
			return false;
	}
	return true;
}

bool
verdict_table_take(struct verdict_table *t, const struct verdict *v,
    struct verdict_row *ret, struct kd_err *e)
{
	struct verdict_row row = {0};
	bool done;

	(void)pthread_mutex_lock(&t->mu);
	done = take_all(t, v, &row, e);
	(void)pthread_mutex_unlock(&t->mu);
	if (done)
		*ret = row;
	return done;
}

/* One printing of the table. */
struct sheet {
	const char *columns[COLUMNS_MAX];
	size_t kernel_n, n; /* the loader's come first */
	size_t *numbers;    /* by reason: its number in this printing; owned */
	size_t *order;      /* by number, from 1; owned */
	size_t numbers_n;
	size_t name_width, cell_width;
};

static void
sheet_clear(struct sheet *s)
{
	free(s->numbers);
	free(s->order);
}
AUTO_DEFINE_CLEAR(struct sheet, sheet_clear);

static bool
has_column(const struct sheet *s, size_t from, const char *release)
{
	for (size_t i = from; i < s->n; i++)
		if (strcmp(s->columns[i], release) == 0)
			return true;
	return false;
}

static bool
occurs(const struct verdict_line *lines, size_t n, const char *release)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < lines[i].row->kernel_n; k++)
			if (strcmp(lines[i].row->kernel[k].release, release) == 0)
				return true;
	return false;
}

static void
find_columns(struct sheet *s, const struct verdict_line *lines, size_t n)
{
	const char *release;

	for (size_t i = 0; (release = kernel_release(i)) != NULL; i++)
		if (s->n < KERNEL_RELEASES_MAX && occurs(lines, n, release))
			s->columns[s->n++] = release;
	s->kernel_n = s->n;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < lines[i].row->installer_n; k++) {
			release = lines[i].row->installer[k].release;
			if (s->n < COLUMNS_MAX && !has_column(s, s->kernel_n, release))
				s->columns[s->n++] = release;
		}
}

/* "R12", and the reason's number taken when it has none yet; "-" where there is no cell. */
static void
put_cell(struct sheet *s, const struct verdict_cell *v, size_t n, const char *release,
    char dst[CELL_LEN])
{
	static const char letters[] = {[VERDICT_LOADS] = 'L',
	    [VERDICT_SILENT] = 'S',
	    [VERDICT_PROMPT] = 'P',
	    [VERDICT_REFUSED] = 'R'};

	(void)snprintf(dst, CELL_LEN, "-");
	for (size_t i = 0; i < n; i++) {
		if (strcmp(v[i].release, release) != 0)
			continue;
		if (s->numbers[v[i].reason] == UNNUMBERED) {
			s->numbers[v[i].reason] = ++s->numbers_n;
			s->order[s->numbers_n] = v[i].reason;
		}
		(void)snprintf(
		    dst, CELL_LEN, "%c%zu", letters[v[i].word], s->numbers[v[i].reason]);
	}
}

/* In characters of UTF-8, which SHOW leaves whole; wide and combining ones are rare in the
 * names of drivers. */
static size_t
width(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void
put_row(struct sheet *s, const struct verdict_line *l, struct buf *ret)
{
	char cell[CELL_LEN];
	const char *name = SHOW(l->name);

	buf_printf(ret, "  %s%*s", name, (int)(s->name_width - width(name)), "");
	for (size_t i = 0; i < s->n; i++) {
		if (i < s->kernel_n)
			put_cell(
			    s, l->row->kernel, l->row->kernel_n, s->columns[i], cell);
		else
			put_cell(s, l->row->installer, l->row->installer_n,
			    s->columns[i], cell);
		buf_printf(ret, "%s %*s", i == s->kernel_n && i > 0 ? " |" : "",
		    (int)s->cell_width, cell);
	}
	buf_u8(ret, '\n');
}

static int
letter(size_t column)
{
	return (int)(column < 26 ? 'A' + column : 'a' + (column - 26));
}

static void
put_head(const struct sheet *s, struct buf *ret)
{
	buf_str(ret, "\nWhat Windows makes of it (L loads, S installs silently, P installs "
		     "after a prompt, R refused;\nthe numbers are the reasons'):\n");
	for (size_t i = 0; i < s->n; i++) {
		if (i == 0 || i == s->kernel_n)
			buf_printf(ret, "  %s\n",
			    i < s->kernel_n ? "the kernel of" : "the installer of");
		buf_printf(ret, "    %c  %s\n", letter(i), s->columns[i]);
	}
	buf_printf(ret, "\n  %-*s", (int)s->name_width, "");
	for (size_t i = 0; i < s->n; i++)
		buf_printf(ret, "%s %*c", i == s->kernel_n && i > 0 ? " |" : "",
		    (int)s->cell_width, letter(i));
	buf_u8(ret, '\n');
}

bool
verdict_table_text(const struct verdict_table *t, const struct verdict_line *lines,
    size_t n, struct buf *ret, struct kd_err *e)
{
	AUTO(sheet_clear)
	struct sheet s = {.numbers = kd_alloc_array(t->n, sizeof(size_t)),
	    .order = kd_alloc_array(t->n + 1, sizeof(size_t)),
	    .cell_width = t->n < 10 ? 2 : t->n < 100 ? 3 : 4};

	if (s.numbers == NULL || s.order == NULL)
		return kd_fail_nomem(e, "table");
	find_columns(&s, lines, n);
	if (s.n == 0)
		return true;
	for (size_t i = 0; i < n; i++) {
		size_t len = width(SHOW(lines[i].name));

		if (len > s.name_width)
			s.name_width = len;
	}
	put_head(&s, ret);
	for (size_t i = 0; i < n; i++)
		put_row(&s, &lines[i], ret);
	buf_u8(ret, '\n');
	for (size_t i = 1; i <= s.numbers_n; i++)
		buf_printf(ret, "  %*zu  %s\n", (int)s.cell_width - 1, i,
		    t->reasons[s.order[i]]);
	return true;
}

void
verdict_table_json(
    const struct verdict_table *t, const struct verdict_row *row, struct buf *ret)
{
	static const char *const words[] = {[VERDICT_LOADS] = "loads",
	    [VERDICT_SILENT] = "silent",
	    [VERDICT_PROMPT] = "prompt",
	    [VERDICT_REFUSED] = "refused"};

	if (row->kernel_n > 0) {
		jw_open_member(ret, "kernel");
		jw_arr_open(ret, "releases");
	}
	for (size_t i = 0; i < row->kernel_n; i++) {
		jw_open(ret);
		jw_str(ret, "release", row->kernel[i].release);
		jw_bool(ret, "loads", row->kernel[i].word == VERDICT_LOADS);
		jw_str(ret, "why", t->reasons[row->kernel[i].reason]);
		jw_close(ret);
	}
	if (row->kernel_n > 0) {
		jw_arr_close(ret);
		jw_close(ret);
	}
	if (row->installer_n > 0) {
		jw_open_member(ret, "installer");
		jw_arr_open(ret, "releases");
	}
	for (size_t i = 0; i < row->installer_n; i++) {
		jw_open(ret);
		jw_str(ret, "release", row->installer[i].release);
		jw_str(ret, "outcome", words[row->installer[i].word]);
		jw_str(ret, "why", t->reasons[row->installer[i].reason]);
		jw_close(ret);
	}
	if (row->installer_n > 0) {
		jw_arr_close(ret);
		jw_close(ret);
	}
}
