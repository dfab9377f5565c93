/* SPDX-License-Identifier: Apache-2.0 */
/* tests/mock/mock_rules.c - the files that tell the misbehaving module what to do. */
#include "config.h"

#include "mock.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PATH_LEN 512
#define CONTROL_MAX 2048

#define MOCK_NAME(f) "C_" #f,
const char *const mock_names[FN_N] = {MOCK_FUNCTIONS(MOCK_NAME)};

static const char *dir;
/* One for all processes that came and went, so that "at" and "every" count on. */
static _Atomic uint64_t *counts;

void
mock_path(char *dst, size_t n, const char *name)
{
	(void)snprintf(dst, n, "%s/%s", dir, name);
}

void
mock_append(const char *name, const char *line)
{
	char path[PATH_LEN];
	size_t n = strlen(line);
	int fd;

	mock_path(path, sizeof(path), name);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, line, n) != (ssize_t)n)
		abort(); /* a count that is not kept proves nothing */
	(void)close(fd);
}

bool
mock_rules_open(const char *where)
{
	size_t n = FN_N * sizeof(*counts);
	char path[PATH_LEN];
	void *p;
	int fd;

	dir = where;
	mock_path(path, sizeof(path), "counts");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)n) != 0)
		return false;
	p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (p == MAP_FAILED)
		return false;
	counts = p;
	return true;
}

/* The whole of a small file; "" when there is none. */
static void
slurp(const char *name, char *dst, size_t n)
{
	char path[PATH_LEN];
	ssize_t got = -1;
	int fd;

	mock_path(path, sizeof(path), name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, dst, n - 1);
		(void)close(fd);
	}
	dst[got > 0 ? got : 0] = '\0';
}

static enum mock_action
action_of(const char *word)
{
	static const char *const names[] = {"pass", "hang", "delay", "fail", "crash",
	    "abort", "short", "flags", "flip", "wrongkey", "purge", "leak"};

	for (size_t i = 0; word != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(word, names[i]) == 0)
			return (enum mock_action)i;
	}
	return PASS;
}

static bool
take_once(void)
{
	char from[PATH_LEN], to[PATH_LEN];

	mock_path(from, sizeof(from), "control");
	mock_path(to, sizeof(to), "control.used");
	return rename(from, to) == 0; /* else another thread was first */
}

/* "at N": this very call. "every N": each Nth. "chance N": so many in a hundred. */
static bool
is_now(const char *when, unsigned long n, uint64_t count)
{
	if (n == 0)
		return true;
	if (strcmp(when, "at") == 0)
		return count == n;
	if (strcmp(when, "every") == 0)
		return count % n == 0;
	return (unsigned long)random() % 100 < n;
}

static bool
is_key(CK_SESSION_HANDLE s, const char *id)
{
	char got[64];

	mock_key_of(s, got, sizeof(got));
	return strcmp(got, id) == 0;
}

/* What a call has to be like for a line to be about it. */
static bool
is_about(CK_SESSION_HANDLE s, uint64_t count, const char *word, const char *value)
{
	if (value == NULL)
		return false;
	return strcmp(word, "key") == 0 ? is_key(s, value)
					: is_now(word, strtoul(value, NULL, 0), count);
}

/* One line; true when it is about this call. */
static bool
parse(enum mock_fn f, CK_SESSION_HANDLE s, uint64_t count, char *line,
    struct mock_order *ret)
{
	char *rest = NULL, *word = strtok_r(line, " ", &rest);
	struct mock_order o = {PASS, 0};
	bool once = false;

	if (word == NULL || strcmp(word, mock_names[f]) != 0)
		return false;
	o.action = action_of(strtok_r(NULL, " ", &rest));
	while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
		bool chosen = strcmp(word, "at") == 0 || strcmp(word, "every") == 0 ||
			      strcmp(word, "chance") == 0 || strcmp(word, "key") == 0;

		if (strcmp(word, "once") == 0)
			once = true;
		else if (!chosen)
			o.number = strtoul(word, NULL, 0);
		else if (!is_about(s, count, word, strtok_r(NULL, " ", &rest)))
			return false;
	}
	if (once && !take_once())
		return false;
	*ret = o;
	return true;
}

static void
leak(size_t megabytes)
{
	static void *volatile lost; /* else it is no use, and the compiler leaves it out */

	lost = malloc(megabytes << 20);
	if (lost != NULL)
		memset(lost, 1, megabytes << 20);
}

struct mock_order
mock_order(enum mock_fn f, CK_SESSION_HANDLE s)
{
	char text[CONTROL_MAX], call[64], *rest = NULL;
	struct mock_order o = {PASS, 0};
	uint64_t count = atomic_fetch_add(&counts[f], 1) + 1;

	(void)snprintf(call, sizeof(call), "%s\n", mock_names[f]);
	mock_append("calls", call);
	slurp("control", text, sizeof(text));
	for (char *line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (parse(f, s, count, line, &o))
			break;
	}
	if (o.action == CRASH)
		(void)raise(SIGSEGV);
	if (o.action == ABORT)
		abort();
	while (o.action == HANG)
		(void)poll(NULL, 0, -1);
	if (o.action == DELAY)
		(void)poll(NULL, 0, (int)o.number);
	if (o.action == LEAK)
		leak(o.number);
	return o;
}

bool
mock_refuses(const CK_ATTRIBUTE *tmpl, CK_ULONG n)
{
	char text[256], *rest = NULL, *value;

	slurp("refused", text, sizeof(text));
	for (char *word = strtok_r(text, " \n", &rest); word != NULL;
	     word = strtok_r(NULL, " \n", &rest)) {
		unsigned long type = strtoul(word, &value, 0);

		for (CK_ULONG i = 0; i < n; i++)
			if (tmpl[i].type == type &&
			    (*value != '=' ||
				*(const CK_BBOOL *)tmpl[i].pValue == (value[1] != '0')))
				return true;
	}
	return false;
}

void
mock_lie(CK_ATTRIBUTE *tmpl, CK_ULONG n)
{
	char text[256], *rest = NULL, *word, *value;

	slurp("lies", text, sizeof(text));
	for (word = strtok_r(text, " \n", &rest); word != NULL;
	     word = strtok_r(NULL, " \n", &rest)) {
		value = strtok_r(NULL, " \n", &rest);
		for (CK_ULONG i = 0; value != NULL && i < n; i++)
			if (tmpl[i].type == strtoul(word, NULL, 0) &&
			    tmpl[i].pValue != NULL && tmpl[i].ulValueLen == 1)
				*(CK_BBOOL *)tmpl[i].pValue = value[0] != '0';
	}
}

struct mock_token
mock_token(void)
{
	char text[128], *rest = NULL;
	struct mock_token t = {0};

	slurp("token", text, sizeof(text));
	for (char *word = strtok_r(text, " \n", &rest); word != NULL;
	     word = strtok_r(NULL, " \n", &rest)) {
		char *value;

		if (strcmp(word, "gone") == 0) {
			t.gone = true;
			continue;
		}
		value = strtok_r(NULL, " \n", &rest);
		if (value == NULL)
			break;
		if (strcmp(word, "slot") == 0)
			t.slot = strtoul(value, NULL, 0);
		else if (strcmp(word, "sessions") == 0)
			t.sessions = strtoul(value, NULL, 0);
		else if (strcmp(word, "serial") == 0)
			(void)snprintf(t.serial, sizeof(t.serial), "%.16s", value);
	}
	return t;
}
