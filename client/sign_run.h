/* SPDX-License-Identifier: Apache-2.0 */
/* client/sign_run.h - what `sign` does, for whoever reads whichever command line. */
#ifndef CLIENT_SIGN_RUN_H
#define CLIENT_SIGN_RUN_H
#include "client/settings.h"
#include "client/sign_file.h"
#include "client/stamper.h"

struct sign_run_options { /* borrowed; all-zero: in place, with the only key, sha256 */
	const char *key, *sha1;        /* NULL: not named; both: must mean the same */
	const char *description, *url; /* NULL: none */
	const char *output;            /* NULL: in place; a file or a folder */
	struct option_list ac;         /* files with more certificates, for all signatures */
	const char *ac_dir;            /* a folder to pick one from; NULL: none */
	enum md md;                    /* MD_NONE: sha256 */
	uint64_t jobs;                 /* threads that read and write; 0: by processors */
	bool page_hashes;              /* PE; other kinds of files have none */
	bool append;                   /* beside a signature that is there */
	bool efi;                      /* EFI binaries, as firmware and shim take them */
	struct stamp_options stamp;    /* of the new signature */
};

/* What any command that signs takes, in a table of options (options.h). */
#define SIGN_OPTION_ROWS(type, field)                                                    \
	{"key", OPTION_TEXT, offsetof(type, field.key), "NAME",                          \
	    "the key to sign with, by its name at the service"},                         \
	    {"sha1", OPTION_TEXT, offsetof(type, field.sha1), "THUMBPRINT",              \
		"the key to sign with, by its certificate's SHA-1"},                     \
	    {"ac", OPTION_LIST, offsetof(type, field.ac), "FILE",                        \
		"add these certificates too (PEM or DER); may be repeated"},             \
	    {"ac-dir", OPTION_TEXT, offsetof(type, field.ac_dir), "DIR",                 \
		"add the one of this folder that continues the chain"},                  \
	    {"digest", OPTION_MD, offsetof(type, field.md), "ALG",                       \
		"sha1, sha256 (default), sha384 or sha512"},                             \
	    {"description", OPTION_TEXT, offsetof(type, field.description), "TEXT",      \
		"what the signed content is, shown by Windows"},                         \
	{                                                                                \
		"url", OPTION_TEXT, offsetof(type, field.url), "URL",                    \
		    "where to read more about it, shown by Windows"                      \
	}

struct sign_result { /* of one file; borrowed for the call */
	const char *file;   /* as named */
	const char *output; /* the file written; NULL when none was */
	const char *kind;   /* "pe", "catalog"; NULL when unknown */
	const char *key;    /* that signed */
	uint64_t size;
	enum md md;
	const uint8_t *digest; /* md_len(md) bytes */
	bool was_signed, appended;
	struct stamp_made stamp; /* kind TSP_NONE: it has none */
	const struct kd_err *stamp_err; /* signed, but no timestamp was had; else NULL */
	const struct kd_err *err;       /* NULL: signed */
	bool again; /* err was told for another file: it failed together with that */
};

struct sign_sink { /* called by the thread that called sign_run */
	/* Once a file, in the order given, as soon as all before it are told. */
	void (*file)(void *self, const struct sign_result *r);
	/* What is no failure; one sentence. */
	void (*warn)(void *self, const char *text);
	void *self;
	bool progress; /* a bar on a terminal */
};

/*
 * sign_run - have files signed by the service.
 *
 * A file that fails is told to the sink and does not stop the others.
 * Errors: what is wrong before any file is looked at (options, settings, certificates,
 * the key); no file was told then, and none changed.
 */
bool sign_run(const struct settings *settings, const struct sign_run_options *o,
    char **files, size_t n, const struct sign_sink *sink, struct kd_err *e) KD_MUST;
/* What is wrong with the options alone: KD_E_USAGE, KD_E_FILE (of --tsa-root). */
bool sign_run_check(const struct settings *settings, const struct sign_run_options *o,
    struct kd_err *e) KD_MUST;
/*
 * sign_run_stage - have files signed that the caller puts into their places: all of them in
 * one request, or as few as its limits allow.
 *
 * Nothing is asked for when no authority gives a timestamp, unless that is optional.
 *
 * files  plan, and catalog where it is one; afterwards state, err, staged
 * sink   file may be NULL
 * Errors: as with sign_run.
 */
bool sign_run_stage(const struct settings *settings, const struct sign_run_options *o,
    struct sign_file *files, size_t n, const struct sign_sink *sink,
    struct kd_err *e) KD_MUST;
#endif
