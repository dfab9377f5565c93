/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/client/package_table_test.c - many files' verdicts side by side. */
#include "config.h"

#include "client/package_table.h"

#include <pthread.h>

#include "base/num.h"
#include "tests/unit/base/test.h"

static void
add_kernel(struct verdict *v, size_t release, bool loads, const char *why)
{
	struct kernel_verdict *k = &v->kernel.releases[v->kernel.releases_n++];

	v->has_kernel = true;
	k->release = kernel_release(release);
	k->loads = loads;
	(void)snprintf(k->why, sizeof(k->why), "%s", why);
}

static void
add_installer(
    struct verdict *v, const char *release, enum installer_outcome outcome, const char *why)
{
	struct installer_verdict *k = &v->installer.rows[v->installer.rows_n++];

	v->has_installer = true;
	k->release = release;
	k->outcome = outcome;
	(void)snprintf(k->why, sizeof(k->why), "%s", why);
}

/* "L1" for each cell of the loader's, '|', the same of the installer's */
static void
row_text(const struct verdict_row *r, struct buf *ret)
{
	static const char letters[] = {[VERDICT_LOADS] = 'L',
	    [VERDICT_SILENT] = 'S',
	    [VERDICT_PROMPT] = 'P',
	    [VERDICT_REFUSED] = 'R'};

	buf_reset(ret);
	for (size_t i = 0; i < r->kernel_n; i++)
		buf_printf(ret, "%c%zu ", letters[r->kernel[i].word], r->kernel[i].reason);
	buf_str(ret, "|");
	for (size_t i = 0; i < r->installer_n; i++)
		buf_printf(
		    ret, " %c%zu", letters[r->installer[i].word], r->installer[i].reason);
}

static void
each_reason_is_kept_once(void **state)
{
	AUTO(verdict_table_free) struct verdict_table *t = NULL;
	AUTO(buf_clear) struct buf b = {0};
	struct verdict one = {0}, two = {0}, none = {0};
	struct verdict_row row = {.kernel_n = 7};

	(void)state;
	assert_done(verdict_table_new(&t, &e));
	add_kernel(&one, 0, true, "fine");
	add_kernel(&one, 1, false, "too old");
	add_installer(&one, "every Windows", INSTALLER_PROMPT, "nobody knows them");
	assert_done(verdict_table_take(t, &one, &row, &e));
	row_text(&row, &b);
	assert_string_equal(buf_cstr(&b), "L0 R1 | P2");
	assert_ptr_equal(row.kernel[1].release, kernel_release(1));
	add_kernel(&two, 1, true, "fine");
	add_installer(&two, "Windows 7", INSTALLER_SILENT, "Microsoft's");
	add_installer(&two, "Windows 10", INSTALLER_REFUSED, "too old");
	assert_done(verdict_table_take(t, &two, &row, &e));
	row_text(&row, &b);
	assert_string_equal(buf_cstr(&b), "L0 | S3 R1");
	assert_done(verdict_table_take(t, &none, &row, &e));
	row_text(&row, &b);
	assert_string_equal(buf_cstr(&b), "|");
}

/* A report that was not asked for is not looked at. */
static void
what_was_not_asked_is_no_column(void **state)
{
	AUTO(verdict_table_free) struct verdict_table *t = NULL;
	AUTO(buf_clear) struct buf b = {0};
	struct verdict v = {0};
	struct verdict_row row = {0};

	(void)state;
	assert_done(verdict_table_new(&t, &e));
	add_kernel(&v, 0, true, "fine");
	add_installer(&v, "every Windows", INSTALLER_SILENT, "Microsoft's");
	v.has_kernel = false;
	assert_done(verdict_table_take(t, &v, &row, &e));
	row_text(&row, &b);
	assert_string_equal(buf_cstr(&b), "| S0");
}

static void
the_sheet_numbers_what_occurs(void **state)
{
	AUTO(verdict_table_free) struct verdict_table *t = NULL;
	AUTO(buf_clear) struct buf b = {0}, want = {0};
	struct verdict never = {0}, sys = {0}, dat = {0};
	struct verdict_row rows[3] = {0};
	const struct verdict_line lines[] = {
	    {"größe.sys", &rows[1]}, {"a.dat", &rows[2]}};

	(void)state;
	assert_done(verdict_table_new(&t, &e));
	add_kernel(&never, 3, false, "of a package that is not shown");
	add_kernel(&sys, 2, true, "fine");
	add_kernel(&sys, 0, false, "too new");
	add_installer(&sys, "Windows 10", INSTALLER_SILENT, "Microsoft's");
	add_installer(&dat, "Windows 7", INSTALLER_REFUSED, "too new");
	add_installer(&dat, "Windows 10", INSTALLER_PROMPT, "nobody knows them");
	assert_done(verdict_table_take(t, &never, &rows[0], &e));
	assert_done(verdict_table_take(t, &sys, &rows[1], &e));
	assert_done(verdict_table_take(t, &dat, &rows[2], &e));
	assert_done(verdict_table_text(t, lines, 2, &b, &e));
	buf_str(&want, "\nWhat Windows makes of it (L loads, S installs silently, P installs "
		       "after a prompt, R refused;\nthe numbers are the reasons'):\n");
	buf_printf(&want,
	    "  the kernel of\n    A  %s\n    B  %s\n"
	    "  the installer of\n    C  Windows 10\n    D  Windows 7\n\n",
	    kernel_release(0), kernel_release(2));
	buf_str(&want, "             A  B |  C  D\n"
		       "  größe.sys R1 L2 | S3  -\n"
		       "  a.dat      -  - | P4 R1\n\n"
		       "  1  too new\n  2  fine\n  3  Microsoft's\n  4  nobody knows them\n");
	assert_string_equal(buf_cstr(&b), buf_cstr(&want));
}

static void
without_verdicts_there_is_no_sheet(void **state)
{
	AUTO(verdict_table_free) struct verdict_table *t = NULL;
	AUTO(buf_clear) struct buf b = {0};
	const struct verdict_row nothing = {0};
	const struct verdict_line line = {"a.sys", &nothing};

	(void)state;
	assert_done(verdict_table_new(&t, &e));
	assert_done(verdict_table_text(t, &line, 1, &b, &e));
	assert_done(verdict_table_text(t, NULL, 0, &b, &e));
	verdict_table_json(t, &nothing, &b);
	assert_int_equal(b.len, 0);
}

/* Of all releases and rows at once, with three digits of reasons. */
static void
the_widest_sheet_has_a_column_for_each(void **state)
{
	static const char *const windows[INSTALLER_ROWS_MAX] = {
	    "XP", "Vista", "7", "8", "8.1", "10"};
	AUTO(verdict_table_free) struct verdict_table *t = NULL;
	AUTO(buf_clear) struct buf b = {0};
	struct verdict_row rows[12] = {0};
	struct verdict_line lines[12];
	size_t releases = 0;
	const char *at;

	(void)state;
	while (kernel_release(releases) != NULL && releases < KERNEL_RELEASES_MAX)
		releases++;
	assert_done(verdict_table_new(&t, &e));
	for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
		struct verdict v = {0};
		char why[64];

		for (size_t k = 0; k < releases; k++) {
			(void)snprintf(why, sizeof(why), "kernel %zu of %zu", k, i);
			add_kernel(&v, k, k % 2 == 0, why);
		}
		for (size_t k = 0; k < INSTALLER_ROWS_MAX; k++) {
			(void)snprintf(why, sizeof(why), "installer %zu of %zu", k, i);
			add_installer(&v, windows[k], INSTALLER_REFUSED, why);
		}
		assert_done(verdict_table_take(t, &v, &rows[i], &e));
		lines[i] = (struct verdict_line){"x", &rows[i]};
	}
	assert_done(verdict_table_text(t, lines, KD_ARRAY_LEN(rows), &b, &e));
	for (size_t k = 0; k < INSTALLER_ROWS_MAX; k++) {
		char head[32];

		(void)snprintf(head, sizeof(head), "    %c  %s\n",
		    (int)(releases + k < 26 ? 'A' + releases + k
					    : 'a' + (releases + k - 26)),
		    windows[k]);
		assert_non_null(strstr(buf_cstr(&b), head));
	}
	at = strstr(buf_cstr(&b), "installer 5 of 11\n");
	assert_non_null(at); /* the last reason, with the last number */
	assert_int_equal(at[18], '\0');
}

static void
json_has_the_sentences(void **state)
{
	AUTO(verdict_table_free) struct verdict_table *t = NULL;
	AUTO(buf_clear) struct buf b = {0}, want = {0};
	struct verdict v = {0};
	struct verdict_row row = {0};

	(void)state;
	assert_done(verdict_table_new(&t, &e));
	add_kernel(&v, 0, true, "fine");
	add_installer(&v, "Windows 7", INSTALLER_REFUSED, "too \"new\"");
	assert_done(verdict_table_take(t, &v, &row, &e));
	buf_str(&b, "{");
	verdict_table_json(t, &row, &b);
	buf_printf(&want,
	    "{\"kernel\":{\"releases\":[{\"release\":\"%s\",\"loads\":true,\"why\":\"fine\"}]},"
	    "\"installer\":{\"releases\":[{\"release\":\"Windows 7\",\"outcome\":\"refused\","
	    "\"why\":\"too \\\"new\\\"\"}]}",
	    kernel_release(0));
	assert_string_equal(buf_cstr(&b), buf_cstr(&want));
}

static void *
take_many(void *arg)
{
	for (int i = 0; i < 200; i++) {
		struct verdict v = {0};
		struct verdict_row row = {0};
		struct kd_err e = {0};
		char why[16];

		(void)snprintf(why, sizeof(why), "reason %d", i % 40);
		add_kernel(&v, 0, true, why);
		if (!verdict_table_take(arg, &v, &row, &e) || row.kernel[0].reason >= 40)
			return arg;
	}
	return NULL;
}

static void
several_threads_share_the_reasons(void **state)
{
	AUTO(verdict_table_free) struct verdict_table *t = NULL;
	pthread_t threads[4];
	void *failed;

	(void)state;
	assert_done(verdict_table_new(&t, &e));
	for (size_t i = 0; i < KD_ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_many, t), 0);
	for (size_t i = 0; i < KD_ARRAY_LEN(threads); i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

static void
without_memory_a_row_is_untouched(void **state)
{
	AUTO(verdict_table_free) struct verdict_table *t = NULL;
	struct verdict v = {0};
	struct verdict_row row = {.kernel_n = 7};
	bool taken = false;

	(void)state;
	assert_done(verdict_table_new(&t, &e));
	for (size_t i = 0; i < 20; i++) { /* beyond the first room for reasons */
		char why[16];

		(void)snprintf(why, sizeof(why), "reason %zu", i);
		if (i < KERNEL_RELEASES_MAX)
			add_kernel(&v, 0, true, why);
	}
	for (int at = 0; !taken; at++) {
		struct kd_err e = {0};

		kd_alloc_fail_at(at);
		taken = verdict_table_take(t, &v, &row, &e);
		kd_alloc_fail_at(-1);
		assert_int_equal(row.kernel_n, taken ? v.kernel.releases_n : 7);
		assert_int_equal(e.code, taken ? KD_OK : KD_E_NOMEM);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_reason_is_kept_once),
	    cmocka_unit_test(what_was_not_asked_is_no_column),
	    cmocka_unit_test(the_sheet_numbers_what_occurs),
	    cmocka_unit_test(without_verdicts_there_is_no_sheet),
	    cmocka_unit_test(the_widest_sheet_has_a_column_for_each),
	    cmocka_unit_test(json_has_the_sentences),
	    cmocka_unit_test(several_threads_share_the_reasons),
	    cmocka_unit_test(without_memory_a_row_is_untouched),
	};

	return cmocka_run_group_tests_name("client/package_table", tests, NULL, NULL);
}
