/* SPDX-License-Identifier: Apache-2.0 */
/* base/log.c - one line to stderr, written whole. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#define LOG_TEXT_MAX 2048 /* of one line; longer ones are cut with "..." */

/* Set by log_init before any thread is made, then only read. */
static const char *log_program = "kdsign";
static enum log_level log_least = LOG_L_INFO;
static bool log_to_journal;

/* systemd.exec(5) "$JOURNAL_STREAM": device and inode of the stream, "8:4711". */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char own[64];

	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	(void)snprintf(own, sizeof(own), "%llu:%llu", (unsigned long long)st.st_dev,
	    (unsigned long long)st.st_ino);
	return strcmp(own, stream) == 0;
}

void
log_init(const char *program, enum log_level least)
{
	log_program = program;
	log_least = least;
	log_to_journal = stderr_is_journal();
}

static const char *
level_word(enum log_level level)
{
	switch (level) {
	case LOG_L_ERROR:
		return "error: ";
	case LOG_L_WARN:
		return "warning: ";
	case LOG_L_DEBUG:
		return "debug: ";
	case LOG_L_NOTICE:
	case LOG_L_INFO:
		break;
	}
	return "";
}

static void
write_line(enum log_level level, const char *word, const char *text)
{
	char safe[LOG_TEXT_MAX], line[LOG_TEXT_MAX + 128], mark[8] = "";
	int n;

	if (level > log_least)
		return;
	if (log_to_journal)
		(void)snprintf(mark, sizeof(mark), "<%d>", (int)level);
	text_show_str(safe, sizeof(safe), text);
	n = snprintf(
	    line, sizeof(line), "%s%.64s: %s%s\n", mark, log_program, word, safe);
	if (n < 0)
		return;
	while (write(STDERR_FILENO, line, (size_t)n) < 0 && errno == EINTR)
		continue;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	char text[LOG_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	write_line(level, level_word(level), text);
}

void
log_err(enum log_level level, const struct kd_err *e)
{
	const char *word = level_word(level);

	write_line(level, word[0] == '\0' ? "error: " : word, e->msg);
	if (e->hint[0] != '\0')
		write_line(level, "hint: ", e->hint);
}
