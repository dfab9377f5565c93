/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/file_test.c - reads to the byte, replacement wholly or not at all. */
#include "config.h"

#include "tests/unit/base/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>

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
assert_refused(void **state, const struct kd_err *e, enum kd_code code, const char *name,
    const char *what)
{
	char want[512];

	(void)snprintf(want, sizeof(want), "'%s'%s", in_folder(state, name), what);
	assert_string_equal(e->msg, want);
	assert_int_equal(e->code, code);
}

static void
only_regular_files_open(void **state)
{
	static const struct {
		const char *name, *what;
	} cases[] = {
	    {"none", ": cannot open: No such file or directory"},
	    {"folder", ": is a directory"},
	    {"fifo", ": not a regular file"},
	};

	assert_int_equal(mkdir(in_folder(state, "folder"), 0700), 0);
	assert_int_equal(mkfifo(in_folder(state, "fifo"), 0600), 0);
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_err e = {0};
		struct stat st = {.st_size = 7};
		int fd = -7;

		assert_false(
		    file_open_read(in_folder(state, cases[i].name), &fd, &st, &e));
		assert_refused(state, &e, KD_E_FILE, cases[i].name, cases[i].what);
		assert_int_equal(fd, -7);
		assert_int_equal(st.st_size, 7);
	}
	assert_fails(file_open_read("/dev/null", &(int){0}, NULL, &e), KD_E_FILE,
	    "'/dev/null': not a regular file");
}

static void
whole_file_is_bounded(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err err = {0};

	write_file(in_folder(state, "five"), "12345", 0600);
	buf_str(&b, "0");
	assert_done(file_read_all(in_folder(state, "five"), 5, &b, &e));
	assert_string_equal(buf_cstr(&b), "012345");
	assert_false(file_read_all(in_folder(state, "five"), 4, &b, &err));
	assert_refused(state, &err, KD_E_LIMIT, "five", ": larger than 4 bytes");
	assert_string_equal(buf_cstr(&b), "012345");
}

static void
large_file_is_whole(void **state)
{
	AUTO(buf_clear) struct buf b = {0}, back = {0};
	AUTO(close) int fd = open(in_folder(state, "large"), O_RDWR | O_CREAT, 0600);

	for (uint32_t i = 0; i < 100000; i++)
		buf_u32le(&b, i);
	assert_done(file_write_full(fd, b.p, b.len, &e));
	assert_done(file_read_all(in_folder(state, "large"), b.len, &back, &e));
	assert_int_equal(back.len, b.len);
	assert_memory_equal(back.p, b.p, b.len);
}

static void
reading_without_memory_changes_nothing(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0};

	write_file(in_folder(state, "five"), "12345", 0600);
	kd_alloc_fail_at(0);
	assert_false(file_read_all(in_folder(state, "five"), 5, &b, &e));
	kd_alloc_fail_at(-1);
	assert_refused(state, &e, KD_E_NOMEM, "five", ": file content: out of memory");
	assert_int_equal(b.len, 0);
}

static void
exact_read_says_where_the_file_ends(void **state)
{
	AUTO(close) int fd = -1;
	char three[4] = "";

	write_file(in_folder(state, "five"), "12345", 0600);
	fd = open(in_folder(state, "five"), O_RDONLY);
	assert_done(file_pread_full(fd, three, 3, 2, &e));
	assert_string_equal(three, "345");
	assert_fails(file_pread_full(fd, three, 3, 3, &e), KD_E_FILE,
	    "3 bytes wanted at offset 0x3; the file ends at 0x5");
	assert_fails(file_pread_full(fd, three, 3, UINT64_MAX - 1, &e), KD_E_FILE,
	    "offset 0xfffffffffffffffe is beyond any file");
	assert_fails(file_pread_full(fd, three, 3, INT64_MAX, &e), KD_E_FILE,
	    "offset 0x7fffffffffffffff is beyond any file");
	assert_fails(file_pread_full(-1, three, 3, 0, &e), KD_E_FILE,
	    "cannot read 3 bytes at offset 0: Bad file descriptor");
}

static void
full_disk_is_an_io_error(void **state)
{
	AUTO(close) int fd = open("/dev/full", O_WRONLY);

	assert_fails(file_write_full(fd, "x", 1, &e), KD_E_IO,
	    "cannot write: No space left on device");
}

static void
files_of_others_are_refused(void **state)
{
	static const struct {
		mode_t mode;
		bool secret;
		const char *what; /* NULL: fine */
	} cases[] = {
	    {0644, false, NULL},
	    {0600, false, NULL},
	    {0664, false, ": mode 0664 lets others write, must be 0644 or less"},
	    {0602, false, ": mode 0602 lets others write, must be 0644 or less"},
	    {0600, true, NULL},
	    {0400, true, NULL},
	    {0640, true, ": mode 0640 lets others at a secret, must be 0600 or 0400"},
	    {0604, true, ": mode 0604 lets others at a secret, must be 0600 or 0400"},
	};

	write_file(in_folder(state, "f"), "x", 0600);
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_err e = {0};

		assert_int_equal(chmod(in_folder(state, "f"), cases[i].mode), 0);
		assert_int_equal(
		    file_check_private(in_folder(state, "f"), cases[i].secret, &e),
		    cases[i].what == NULL);
		if (cases[i].what != NULL)
			assert_refused(state, &e, KD_E_CONFIG, "f", cases[i].what);
	}
}

static void
secret_of_another_user_is_refused(void **state)
{
	struct stat st = {.st_mode = S_IFREG | 0600, .st_uid = geteuid() + 1};
	struct kd_err why = {0};
	char want[128];

	(void)snprintf(want, sizeof(want),
	    "'pin': belongs to user %u, must be %u or root", (unsigned)st.st_uid,
	    (unsigned)geteuid());
	assert_fails(file_check_stat("pin", &st, true, &e), KD_E_CONFIG, want);
	assert_false(file_check_stat("pin", &st, true, &why));
	assert_non_null(strstr(why.hint, "sudo -u"));
	assert_done(file_check_stat("pin", &st, false, &e));
	st.st_uid = 0;
	assert_done(file_check_stat("pin", &st, true, &e));
}

static void
replacement_keeps_mode_and_owner(void **state)
{
	AUTO(file_replace_clear) struct file_replace r = {0};
	struct stat like, now;

	write_file(in_folder(state, "net.sys"), "old", 0640);
	if (geteuid() == 0)
		assert_int_equal(chown(in_folder(state, "net.sys"), 1234, 5678), 0);
	assert_int_equal(stat(in_folder(state, "net.sys"), &like), 0);
	assert_done(file_replace_begin(in_folder(state, "net.sys"), &like, &r, &e));
	assert_non_null(strstr(r.tmp_path, "/.net.sys.kdsign-"));
	assert_done(file_write_full(r.fd, "new!", 4, &e));
	assert_content(in_folder(state, "net.sys"), "old");
	assert_done(file_replace_commit(&r, true, &e));
	assert_content(in_folder(state, "net.sys"), "new!");
	assert_int_equal(stat(in_folder(state, "net.sys"), &now), 0);
	assert_int_equal(now.st_mode, like.st_mode);
	assert_int_equal(now.st_uid, like.st_uid);
	assert_int_equal(now.st_gid, like.st_gid);
	file_replace_clear(&r);
	assert_int_equal(entries(*state), 1);
}

static void
new_file_has_the_umask(void **state)
{
	AUTO(file_replace_clear) struct file_replace r = {0};
	struct stat st;
	mode_t old = umask(027);

	assert_done(file_replace_begin(in_folder(state, "new"), NULL, &r, &e));
	umask(old);
	assert_done(file_replace_commit(&r, false, &e));
	assert_int_equal(stat(in_folder(state, "new"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_content(in_folder(state, "new"), "");
}

static void
without_commit_nothing_happened(void **state)
{
	struct file_replace r = {0};

	file_replace_clear(&r); /* all-zero: must not close descriptor 0 */
	assert_true(fcntl(0, F_GETFD) >= 0);
	write_file(in_folder(state, "net.sys"), "old", 0600);
	assert_done(file_replace_begin(in_folder(state, "net.sys"), NULL, &r, &e));
	assert_done(file_write_full(r.fd, "new", 3, &e));
	assert_int_equal(entries(*state), 2);
	file_replace_clear(&r);
	file_replace_clear(&r);
	assert_int_equal(entries(*state), 1);
	assert_content(in_folder(state, "net.sys"), "old");
}

static void
symbolic_link_stays(void **state)
{
	AUTO(file_replace_clear) struct file_replace r = {0};
	struct stat st;

	assert_int_equal(mkdir(in_folder(state, "far"), 0700), 0);
	write_file(in_folder(state, "far/net.sys"), "old", 0600);
	assert_int_equal(symlink("far/net.sys", in_folder(state, "link")), 0);
	assert_done(file_replace_begin(in_folder(state, "link"), NULL, &r, &e));
	assert_done(file_write_full(r.fd, "new", 3, &e));
	assert_done(file_replace_commit(&r, true, &e));
	assert_int_equal(lstat(in_folder(state, "link"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_content(in_folder(state, "far/net.sys"), "new");
}

static void
what_cannot_be_replaced(void **state)
{
	static const struct {
		const char *name, *what;
	} cases[] = {
	    {"folder", ": is a directory"},
	    {"fifo", ": not a regular file"},
	    {"none/net.sys",
		": cannot create a file beside it: No such file or directory"},
	    {"file/net.sys", ": cannot replace: Not a directory"},
	};

	assert_int_equal(mkdir(in_folder(state, "folder"), 0700), 0);
	assert_int_equal(mkfifo(in_folder(state, "fifo"), 0600), 0);
	write_file(in_folder(state, "file"), "x", 0600);
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_err e = {0};
		struct file_replace r = {.fd = -7};

		assert_false(
		    file_replace_begin(in_folder(state, cases[i].name), NULL, &r, &e));
		assert_refused(state, &e, KD_E_FILE, cases[i].name, cases[i].what);
		assert_int_equal(r.fd, -7);
		assert_null(r.path);
	}
	assert_int_equal(entries(*state), 3);
}

/* As an ordinary user, also when the tests run as root. */
static void
read_only_target_is_refused(void **state)
{
	pid_t pid;

	write_file(in_folder(state, "net.sys"), "old", 0444);
	assert_int_equal(chmod(*state, 0777), 0);
	pid = fork();
	if (pid == 0) {
		struct kd_err e = {0};
		struct file_replace r = {0};
		bool other = geteuid() != 0 || setresuid(65534, 65534, 65534) == 0;
		bool ok = file_replace_begin(in_folder(state, "net.sys"), NULL, &r, &e);

		_exit(other && !ok && e.code == KD_E_FILE &&
			      strstr(e.msg,
				  "net.sys': cannot write: Permission denied") != NULL
			  ? 0
			  : 1);
	}
	assert_int_equal(status_of(pid), 0);
	assert_int_equal(entries(*state), 1);
}

static void
failed_rename_leaves_no_file(void **state)
{
	struct file_replace r = {0};
	struct kd_err err = {0};

	assert_done(file_replace_begin(in_folder(state, "net.sys"), NULL, &r, &e));
	assert_int_equal(mkdir(in_folder(state, "net.sys"), 0700), 0);
	assert_false(file_replace_commit(&r, true, &err));
	assert_refused(
	    state, &err, KD_E_FILE, "net.sys", ": cannot replace: Is a directory");
	file_replace_clear(&r);
	assert_int_equal(entries(*state), 1);
}

static void
replacing_without_memory_leaves_no_file(void **state)
{
	struct file_replace r = {0};
	struct kd_err e = {0};
	bool done = false;
	long n;

	for (n = 0; !done; n++) {
		e = (struct kd_err){0};
		kd_alloc_fail_at(n);
		done = file_replace_begin(in_folder(state, "net.sys"), NULL, &r, &e);
		kd_alloc_fail_at(-1);
		assert_int_equal(e.code, done ? KD_OK : KD_E_NOMEM);
		assert_int_equal(entries(*state), done ? 1 : 0);
	}
	assert_int_equal(n, 3);
	file_replace_clear(&r);
}

static void
long_names_still_have_a_neighbour(void **state)
{
	AUTO(file_replace_clear) struct file_replace r = {0};
	char name[256];

	memset(name, 'n', 255);
	name[255] = '\0';
	write_file(in_folder(state, name), "old", 0600);
	assert_done(file_replace_begin(in_folder(state, name), NULL, &r, &e));
	assert_done(file_replace_commit(&r, false, &e));
	assert_content(in_folder(state, name), "");
}

static void
table_of_replacements_grows(void **state)
{
	static struct file_replace many[600];
	struct kd_err e = {0};
	size_t n = 0;

	while (n < 600 && file_replace_begin(in_folder(state, "x"), NULL, &many[n], &e))
		n++;
	assert_int_equal(n, 600);
	assert_int_equal(entries(*state), 600);
	while (n > 0)
		file_replace_clear(&many[--n]);
	assert_int_equal(entries(*state), 0);
}

/* "a" and "b" are there, "c" is not. */
static void
begin_three(void **state, struct file_replace r[3])
{
	static const char *const names[] = {"a", "b", "c"};

	write_file(in_folder(state, "a"), "old a", 0600);
	write_file(in_folder(state, "b"), "old b", 0600);
	for (int i = 0; i < 3; i++) {
		assert_done(file_replace_begin(in_folder(state, names[i]), NULL, &r[i], &e));
		assert_done(file_write_full(r[i].fd, "new", 3, &e));
	}
}

static void
several_are_replaced_together(void **state)
{
	struct file_replace r[3] = {0};
	struct file_replace *const all[] = {&r[0], &r[1], &r[2]};

	begin_three(state, r);
	assert_done(file_replace_finish(&r[1], true, &e));
	assert_int_equal(r[1].fd, -1);
	assert_content(in_folder(state, "b"), "old b");
	assert_done(file_replace_commit_all(all, 3, true, &e));
	for (int i = 0; i < 3; i++)
		file_replace_clear(&r[i]);
	assert_content(in_folder(state, "a"), "new");
	assert_content(in_folder(state, "b"), "new");
	assert_content(in_folder(state, "c"), "new");
	assert_int_equal(entries(*state), 3);
}

static void
or_none_of_them(void **state)
{
	struct file_replace r[3] = {0};
	/* the new file first, so that it must be taken away again */
	struct file_replace *const all[] = {&r[2], &r[0], &r[1]};
	struct kd_err err = {0};

	begin_three(state, r);
	assert_int_equal(unlink(r[1].tmp_path), 0);
	assert_false(file_replace_commit_all(all, 3, true, &err));
	assert_refused(
	    state, &err, KD_E_FILE, "b", ": cannot replace: No such file or directory");
	assert_content(in_folder(state, "a"), "old a");
	assert_content(in_folder(state, "b"), "old b");
	assert_int_equal(entries(*state), 4); /* two new ones wait */
	for (int i = 0; i < 3; i++)
		file_replace_clear(&r[i]);
	assert_int_equal(entries(*state), 2);
}

/* The child tells through a pipe that its temporary files exist, then waits to be killed.
 */
static int
killed_while_replacing(void **state, int signo, bool ignored)
{
	int ready[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct file_replace r[2] = {0};
		struct kd_err e = {0};

		/* said outright: whoever runs the tests in the background ignores SIGINT */
		(void)signal(signo, ignored ? SIG_IGN : SIG_DFL);
		(void)alarm(30);
		file_replace_on_signals();
		for (int i = 0; i < 2; i++)
			if (!file_replace_begin(
				in_folder(state, "net.sys"), NULL, &r[i], &e))
				_exit(2);
		if (write(ready[1], "x", 1) != 1)
			_exit(3);
		(void)close(ready[0]);
		if (ignored) {
			(void)raise(signo);
			file_replace_clear(&r[0]);
			file_replace_clear(&r[1]);
			_exit(0);
		}
		(void)pause();
		_exit(4);
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	(void)close(ready[0]);
	if (!ignored)
		assert_int_equal(kill(pid, signo), 0);
	return status_of(pid);
}

static void
killed_process_leaves_no_file(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

	write_file(in_folder(state, "net.sys"), "old", 0600);
	for (size_t i = 0; i < KD_ARRAY_LEN(signals); i++) {
		assert_int_equal(
		    killed_while_replacing(state, signals[i], false), 128 + signals[i]);
		assert_int_equal(entries(*state), 1);
	}
	assert_content(in_folder(state, "net.sys"), "old");
}

static void
ignored_signal_stays_ignored(void **state)
{
	assert_int_equal(killed_while_replacing(state, SIGHUP, true), 0);
	assert_int_equal(entries(*state), 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_FOLDER(only_regular_files_open),
	    IN_FOLDER(whole_file_is_bounded),
	    IN_FOLDER(large_file_is_whole),
	    IN_FOLDER(reading_without_memory_changes_nothing),
	    IN_FOLDER(exact_read_says_where_the_file_ends),
	    cmocka_unit_test(full_disk_is_an_io_error),
	    IN_FOLDER(files_of_others_are_refused),
	    cmocka_unit_test(secret_of_another_user_is_refused),
	    IN_FOLDER(replacement_keeps_mode_and_owner),
	    IN_FOLDER(new_file_has_the_umask),
	    IN_FOLDER(without_commit_nothing_happened),
	    IN_FOLDER(symbolic_link_stays),
	    IN_FOLDER(what_cannot_be_replaced),
	    IN_FOLDER(read_only_target_is_refused),
	    IN_FOLDER(failed_rename_leaves_no_file),
	    IN_FOLDER(replacing_without_memory_leaves_no_file),
	    IN_FOLDER(long_names_still_have_a_neighbour),
	    IN_FOLDER(table_of_replacements_grows),
	    IN_FOLDER(several_are_replaced_together),
	    IN_FOLDER(or_none_of_them),
	    IN_FOLDER(killed_process_leaves_no_file),
	    IN_FOLDER(ignored_signal_stays_ignored),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
