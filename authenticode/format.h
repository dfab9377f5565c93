/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/format.h - a format of files that hold one signature over one digest: cabinets,
 * scripts, kernel modules, and whatever else has neither pages nor members to speak of. */
#ifndef KD_FORMAT_H
#define KD_FORMAT_H
#include <stdbool.h>
#include <stdint.h>

#include "authenticode/cms.h"
#include "authenticode/spc.h"
#include "base/builder.h"
#include "base/error.h"
#include "base/md.h"
#include "base/own.h"

/* What is known of one open file; all-zero is empty. Touched by one thread at a time. */
struct format_file {
	const struct format *format; /* NULL until format_open */
	uint64_t size;               /* of the file */
	bool is_signed;
	/* Signed without what .extra looks at: why that matters, for a warning. NULL: with it */
	const char *lacks;
	void *state; /* of the format: where things are in the file; owned */
};
void format_file_clear(struct format_file *f);
AUTO_DEFINE_CLEAR(struct format_file, format_file_clear);

/*
 * Functions get a descriptor of the file that format_open was given, or of a copy with the same
 * bytes, read it with pread, and say what is wrong without its name, which the caller adds. What
 * they hold in memory is bounded, whatever the file says of itself; 64 MiB and 2 s are the most
 * for a hostile one.
 */
struct format {
	const char *name; /* as API and messages say it: "cabinet", "script", "module", "msi" */
	/* What its SpcIndirectDataContent says. SPC_TYPE_NONE: it has none; the signature is
	 * detached, without signed attributes, over the digest itself (CMS_DETACHED). */
	enum spc_type spc;
	/* By content, and by name (base name or path; NULL: unknown) where content does not tell;
	 * never fails: what cannot be read is no file of this format. */
	bool (*recognise)(int fd, const char *name);
	/* size, is_signed, state. KD_E_FORMAT, KD_E_LIMIT, KD_E_FILE, KD_E_NOMEM. */
	bool (*open)(int fd, const char *name, struct format_file *f, struct kd_err *e);
	void (*free_state)(void *state); /* NULL: there is never any */
	/* Can a signature be put into it? Asked before a key is; NULL: into any that opens.
	 * KD_E_FORMAT, KD_E_LIMIT: what would break the signature, or stand in its way. */
	bool (*signable)(int fd, const struct format_file *f, struct kd_err *e);
	/* May one of md be nested in the signature that is there? Asked before a key is; NULL:
	 * any may. KD_E_USAGE. */
	bool (*nestable)(const struct format_file *f, const struct cms *primary, enum md md,
	    struct kd_err *e);
	/* Of the file without its signature, as one of md says it. ret: md_len(md) bytes */
	bool (*digest)(int fd, const struct format_file *f, enum md md,
	    uint8_t ret[MD_LEN_MAX], struct kd_err *e);
	/* Appends the ContentInfo that is there, its padding left out. KD_E_UNSIGNED. */
	bool (*signature)(
	    int fd, const struct format_file *f, struct buf *ret, struct kd_err *e);
	/* The file with cms as its only signature; cms NULL: without any, KD_E_UNSIGNED when it
	 * had none. out_fd: empty. */
	bool (*embed)(int fd, const struct format_file *f, const uint8_t *cms, size_t len,
	    int out_fd, struct kd_err *e);
	/* What else a signature of this file must not contradict, as one more line of the
	 * report; NULL: nothing. KD_E_NOT_VERIFIED with the sentence. */
	const char *extra_name;
	bool (*extra)(int fd, const struct format_file *f, enum md md, struct kd_err *e);
};

/* Each in its own file, format_NAME.c; the container of an MSI needs GLib and so is the
 * client's (client/msi.h). */
extern const struct format format_cabinet, format_script, format_module;

/*
 * format_open - which of formats[0..n-1] is this, and where things are in it.
 *
 * name  for formats that are told by it; NULL: unknown
 * ret   ret->format NULL on true: none of them
 * Errors: what the format's open finds wrong; without the file's name.
 */
bool format_open(int fd, const char *name, const struct format *const *formats, size_t n,
    struct format_file *ret, struct kd_err *e) KD_MUST;
#endif
