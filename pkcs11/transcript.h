/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/transcript.h - the ceremony's record: JSON lines, each with the one before's
 * hash. */
#ifndef KD_PKCS11_TRANSCRIPT_H
#define KD_PKCS11_TRANSCRIPT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/builder.h"
#include "base/error.h"
#include "base/own.h"

/*
 * DIR/ceremony.jsonl: one canonical JSON object a line. "prev" is the SHA-256 of the line
 * before without its newline, 64 zeros in the first, so that a line that was changed,
 * taken out, put in or moved is found. Lines cut off at the end are found by whoever kept
 * a later line's hash, as people do who sign the page: transcript_check's want.
 */
#define TRANSCRIPT_NAME "ceremony.jsonl"
#define TRANSCRIPT_LINE_MAX ((size_t)64 << 10)
#define TRANSCRIPT_MAX ((size_t)64 << 20)
#define TRANSCRIPT_HASH_LEN 64 /* hex digits */
#define TRANSCRIPT_BEGIN_MAX (TRANSCRIPT_LINE_MAX / 2) /* so that its end has room */

struct transcript_sum {
	uint64_t lines;
	char head[TRANSCRIPT_HASH_LEN + 1]; /* hash of the last line */
	uint64_t found; /* the line whose hash is wanted; 0: none */
	/* the last line is of an act that was begun: which, and when; "" otherwise */
	char begun[32], begun_time[32];
	bool torn;    /* the last bytes are no line: one that was not wholly written */
	size_t whole; /* bytes up to the end of the last whole line */
};

struct transcript {
	int fd; /* O_APPEND, locked; -1 when not open (transcript_init) */
	struct transcript_sum sum;
};

struct transcript_entry { /* all borrowed; NULL is written as "" */
	const char *action;
	const char *phase; /* "begin", "end" */
	const char *result;
	const char *tool;
	const char *token_label, *token_serial, *token_model, *token_manufacturer;
	char key_label[256], key_id[2 * 255 + 1], key_spki_sha256[65];
	const char *const *people;
	size_t people_n;
	const struct buf *facts; /* a JSON array of {"name","value"}; NULL: none */
};

void transcript_init(struct transcript *t);
/*
 * transcript_open - take the lock, check the whole chain.
 * Errors: KD_E_CONFIG (folder, another ceremony under way), KD_E_INCONSISTENT, KD_E_IO.
 */
bool transcript_open(const char *dir, struct transcript *t, struct kd_err *e) KD_MUST;
void transcript_close(struct transcript *t);
/* Room on the disk for the line of an act and that of its end, so that there will be one.
 * Errors: KD_E_IO. */
bool transcript_reserve(struct transcript *t, struct kd_err *e) KD_MUST;
/* Written and fsynced when this returns true; on failure the file is as before. */
bool transcript_append(
    struct transcript *t, const struct transcript_entry *entry, struct kd_err *e) KD_MUST;

/*
 * transcript_check - text is whole and its chain unbroken.
 *
 * want  NULL, or a hash in hex to look for
 * ret   of the lines before the one that is wrong; torn: nothing but a torn one is
 * Errors: KD_E_INCONSISTENT "line 3: ..."; KD_E_NOMEM.
 */
bool transcript_check(const char *text, size_t n, const char *want,
    struct transcript_sum *ret, struct kd_err *e) KD_MUST;
/* The readable page, in Markdown, of a text that transcript_check took. */
bool transcript_page(
    const char *text, size_t n, struct buf *ret, struct kd_err *e) KD_MUST;

struct transcript_piece {
	size_t n; /* bytes at the end of the file that are no line; 0: there were none */
	char sha256[TRANSCRIPT_HASH_LEN + 1];
	char name[32]; /* the file beside the transcript where they are now */
};
/*
 * transcript_mend - half a line that a power cut has left is put aside, into a file of its
 * own, so that there can be further ones.
 *
 * Such a half line hides no act: an act waits until its line is on the disk. The lines
 * before have to be whole and chained.
 *
 * dry  nothing is done; ret says what would be
 * Errors: as transcript_open; KD_E_IO.
 */
bool transcript_mend(
    const char *dir, bool dry, struct transcript_piece *ret, struct kd_err *e) KD_MUST;
/* SHA-256 in hex, as everywhere in a transcript. */
bool transcript_hash(
    const void *p, size_t n, char ret[TRANSCRIPT_HASH_LEN + 1], struct kd_err *e) KD_MUST;
#endif
