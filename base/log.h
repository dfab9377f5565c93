/* SPDX-License-Identifier: Apache-2.0 */
/* base/log.h - one line to stderr, with <N> journal priority when stderr is the journal. */
#ifndef KD_LOG_H
#define KD_LOG_H
#include "base/error.h"

/* Only daemon/, pkcs11/'s mains and client/ log, once, where the error stops travelling. */
enum log_level { LOG_L_ERROR = 3, LOG_L_WARN = 4, LOG_L_NOTICE = 5, LOG_L_INFO = 6, LOG_L_DEBUG = 7 };

void log_init(const char *program, enum log_level least); /* program: borrowed for ever */
/* "program: text", with "error: ", "warning: " or "debug: " before the text at those levels. One
 * line, written with one write(2); control characters are escaped, long text is cut. */
void log_line(enum log_level level, const char *fmt, ...) KD_PRINTF(2, 3);
/* "error: <msg>" (at LOG_L_WARN "warning: <msg>") and, when there is one, "hint: <hint>". */
void log_err(enum log_level level, const struct kd_err *e);
#endif
