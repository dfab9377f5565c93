/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/file_guard_test.c - of several that replace one file, one does; and where
 * none can. */
#include "config.h"

#include "tests/unit/base/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "base/num.h"

static size_t
entries(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	for (const struct dirent *entry; (entry = readdir(d)) != NULL;)
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(d);
	return n;
}

/* The message, with the folder's changing name taken out. */
static void
assert_refused(void **state, const struct kd_err *e)
{
	char want[512];

	(void)snprintf(want, sizeof(want), "'%s': changed while it was worked on",
	    in_folder(state, "net.sys"));
	assert_string_equal(e->msg, want);
	assert_int_equal(e->code, KD_E_FILE);
}

/* "net.sys" with a new content beside it, and what it was like. */
static void
begin_guarded(void **state, struct file_replace *r)
{
	struct stat was;

	write_file(in_folder(state, "net.sys"), "old", 0600);
	assert_int_equal(stat(in_folder(state, "net.sys"), &was), 0);
	assert_done(file_replace_begin(in_folder(state, "net.sys"), &was, r, &e));
	file_replace_expect(r, &was);
	assert_done(file_write_full(r->fd, "new", 3, &e));
}

/* What another program can do to a file that is being worked on. */
static void
replace_it(const char *path)
{
	char other[256];

	(void)snprintf(other, sizeof(other), "%s.other", path);
	write_file(other, "OLD", 0600);
	assert_int_equal(rename(other, path), 0);
}

static void
write_into_it(const char *path)
{
	write_file(path, "longer", 0600);
}

/* As touch(1) and cp -p can, the time of the content is set back. */
static void
write_and_set_back(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	(void)usleep(20000); /* a tick of the clock that st_ctime has */
	write_file(path, "OLD", 0600);
	assert_int_equal(utimensat(AT_FDCWD, path,
			     (const struct timespec[]){st.st_atim, st.st_mtim}, 0),
	    0);
}

static void
remove_it(const char *path)
{
	assert_int_equal(unlink(path), 0);
}

static void
another_update_is_not_lost(void **state)
{
	static const struct {
		void (*change)(const char *path);
		const char *left;
	} cases[] = {{replace_it, "OLD"}, {write_into_it, "longer"},
	    {write_and_set_back, "OLD"}, {remove_it, NULL}};

	for (size_t i = 0; i < 2 * KD_ARRAY_LEN(cases); i++) {
		struct file_replace r = {0};
		struct file_replace *const all[] = {&r};
		const char *left = cases[i / 2].left;
		struct kd_err err = {0};

		begin_guarded(state, &r);
		cases[i / 2].change(in_folder(state, "net.sys"));
		assert_false(i % 2 == 0 ? file_replace_commit(&r, true, &err)
					: file_replace_commit_all(all, 1, true, &err));
		assert_refused(state, &err);
		file_replace_clear(&r);
		assert_int_equal(entries(*state), left != NULL);
		if (left != NULL)
			assert_content(in_folder(state, "net.sys"), left);
	}
}

static void
other_links_may_come_and_go(void **state)
{
	struct file_replace r = {0};

	begin_guarded(state, &r);
	assert_int_equal(link(in_folder(state, "net.sys"), in_folder(state, "hard")), 0);
	assert_done(file_replace_commit(&r, true, &e));
	file_replace_clear(&r);
	assert_content(in_folder(state, "net.sys"), "new");
	assert_content(in_folder(state, "hard"), "old");
}

/* Two that have read the same file; the second comes while the first is at it. */
static void
one_of_two_replaces(void **state)
{
	struct file_replace r = {0};
	struct kd_err err = {0};
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char byte = 0;
	int ready[2], fd;
	pid_t pid;

	begin_guarded(state, &r);
	write_file(in_folder(state, "other"), "OLD", 0600);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) { /* the other one: locks, replaces, unlocks */
		fd = open(in_folder(state, "net.sys"), O_RDWR);
		if (fd < 0 || fcntl(fd, F_OFD_SETLK, &whole) != 0)
			_exit(1);
		(void)!write(ready[1], "x", 1);
		(void)usleep(100000);
		_exit(rename(in_folder(state, "other"), in_folder(state, "net.sys")) != 0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_false(file_replace_commit(&r, true, &err));
	assert_int_equal(status_of(pid), 0);
	assert_refused(state, &err);
	file_replace_clear(&r);
	assert_content(in_folder(state, "net.sys"), "OLD");
	close(ready[0]);
	close(ready[1]);
}

/* As an ordinary user, also when the tests run as root. */
static void
a_place_is_probed(void **state)
{
	static const struct {
		const char *name, *what;
	} cases[] = {
	    {"mine.sys", NULL},
	    {"new.sys", NULL},
	    {"ro.sys", "ro.sys': cannot write: Permission denied"},
	    {"shut", "shut': is a directory"},
	    {"shut/a.sys", "shut/a.sys': cannot create a file beside it: Permission denied"},
	    {"none/a.sys",
		"none/a.sys': cannot create a file beside it: No such file or directory"},
	};
	pid_t pid;

	write_file(in_folder(state, "mine.sys"), "old", 0666);
	write_file(in_folder(state, "ro.sys"), "old", 0444);
	assert_int_equal(mkdir(in_folder(state, "shut"), 0555), 0);
	assert_int_equal(chmod(*state, 0777), 0);
	pid = fork();
	if (pid == 0) {
		size_t wrong = geteuid() != 0 || setresuid(65534, 65534, 65534) == 0 ? 0 : 1;

		for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
			struct kd_err e = {0};
			bool ok = file_replace_probe(in_folder(state, cases[i].name), &e);

			wrong += ok != (cases[i].what == NULL) ||
				 (!ok && (e.code != KD_E_FILE ||
					     strstr(e.msg, cases[i].what) == NULL));
		}
		_exit((int)wrong);
	}
	assert_int_equal(status_of(pid), 0);
	assert_int_equal(entries(*state), 3);
}

#define MANY 300

/* With hardly a descriptor left beside them. */
static void
many_need_few_descriptors(void **state)
{
	static struct file_replace r[MANY];
	struct file_replace *all[MANY];
	struct rlimit old, few;
	struct kd_err err = {0};
	bool committed;
	char name[16];

	for (size_t i = 0; i < MANY; i++) {
		struct stat was;

		(void)snprintf(name, sizeof(name), "%zu", i);
		write_file(in_folder(state, name), "old", 0600);
		assert_int_equal(stat(in_folder(state, name), &was), 0);
		assert_done(file_replace_begin(in_folder(state, name), &was, &r[i], &e));
		file_replace_expect(&r[i], &was);
		assert_done(file_write_full(r[i].fd, "new", 3, &e));
		assert_done(file_replace_finish(&r[i], false, &e));
		all[i] = &r[i];
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = 200;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	committed = file_replace_commit_all(all, MANY, true, &err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_string_equal(err.msg, "");
	assert_true(committed);
	for (size_t i = 0; i < MANY; i++)
		file_replace_clear(&r[i]);
	assert_int_equal(entries(*state), MANY);
	assert_content(in_folder(state, "299"), "new");
}

/* Two names of one file, which a package may hold: the one lock is ours, both times. */
static void
hard_links_are_replaced_together(void **state)
{
	struct file_replace one = {0}, two = {0};
	struct file_replace *const all[] = {&one, &two};
	struct stat was;

	begin_guarded(state, &one);
	assert_int_equal(link(in_folder(state, "net.sys"), in_folder(state, "hard")), 0);
	assert_int_equal(stat(in_folder(state, "hard"), &was), 0);
	assert_done(file_replace_begin(in_folder(state, "hard"), &was, &two, &e));
	file_replace_expect(&two, &was);
	assert_done(file_write_full(two.fd, "NEW", 3, &e));
	assert_done(file_replace_commit_all(all, 2, true, &e));
	file_replace_clear(&one);
	file_replace_clear(&two);
	assert_content(in_folder(state, "net.sys"), "new");
	assert_content(in_folder(state, "hard"), "NEW");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_FOLDER(another_update_is_not_lost),
	    IN_FOLDER(other_links_may_come_and_go),
	    IN_FOLDER(one_of_two_replaces),
	    IN_FOLDER(a_place_is_probed),
	    IN_FOLDER(many_need_few_descriptors),
	    IN_FOLDER(hard_links_are_replaced_together),
	};

	return cmocka_run_group_tests_name("file_guard", tests, NULL, NULL);
}
