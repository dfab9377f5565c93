/* SPDX-License-Identifier: Apache-2.0 */
/* client/stamp_run.h - what `timestamp` does, for whoever reads whichever command line. */
#ifndef CLIENT_STAMP_RUN_H
#define CLIENT_STAMP_RUN_H
#include "client/stamper.h"

#define STAMP_JOBS_MAX 64

struct stamp_run_options { /* borrowed */
	struct stamp_options stamp; /* names an authority; optional is not looked at */
	uint64_t index;             /* 0: the primary signature, then the nested ones */
	const char *output;         /* NULL: in place; a file or a folder */
	uint64_t jobs;              /* threads; 0: enough */
};

struct stamp_result { /* of one file; borrowed for the call */
	const char *file;   /* as named */
	const char *output; /* the file written; NULL when none was */
	struct stamp_made stamp;
	bool replaced;            /* the signature had a timestamp */
	const struct kd_err *err; /* NULL: timestamped */
};

struct stamp_sink { /* called by the thread that called stamp_run */
	/* Once a file, in the order given, as soon as all before it are told. */
	void (*file)(void *self, const struct stamp_result *r);
	/* What is no failure; one sentence. */
	void (*warn)(void *self, const char *text);
	void *self;
	bool progress; /* a bar on a terminal */
};

/*
 * stamp_run - timestamp one signature of each file, which must be a signature of that
 * file; a timestamp that it has is replaced.
 *
 * A file that fails is told to the sink and does not stop the others.
 * Errors: what is wrong before any file is looked at; no file was told then.
 */
bool stamp_run(const struct settings *settings, const struct stamp_run_options *o,
    char **files, size_t n, const struct stamp_sink *sink, struct kd_err *e) KD_MUST;
#endif
