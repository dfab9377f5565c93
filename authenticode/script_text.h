/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authenticode/script_text.h - a script as Windows reads it: its encoding, its lines, and its
 * text in UTF-16LE, which is what a signature covers.
 *
 * Windows' subject interface package for scripts looks at a byte order mark first. Without
 * one it takes a text for UTF-8 when the first 32 bytes hold whole UTF-8 sequences, one at
 * least beyond ASCII; else for the code page of the machine it runs on. A text beyond ASCII
 * that is read so has another digest on another machine.
 *
 * Spec: facts, cab-and-others.md section 5; docs/FORMATS.md, "Scripts".
 */
#ifndef KD_SCRIPT_TEXT_H
#define KD_SCRIPT_TEXT_H
#include "authenticode/format_io.h"
#include "base/builder.h"
#include "base/own.h"

enum script_encoding {
	SCRIPT_UTF8,     /* with a byte order mark or without; or ASCII */
	SCRIPT_UTF16LE,  /* both with one */
	SCRIPT_UTF16BE,
	SCRIPT_WINDOWS_1252 /* the code page of the Americas and western Europe */
};

/* What the first bytes say; SCRIPT_UTF8 where there is no byte order mark. */
struct script_head {
	enum script_encoding encoding;
	bool bom;
	bool utf8_early; /* without one: whole UTF-8 sequences in the first 32 bytes */
};
bool script_head_read(
    int fd, uint64_t size, struct script_head *ret, struct kd_err *e) KD_MUST;

enum script_end { SCRIPT_END_NONE, SCRIPT_END_LF, SCRIPT_END_CRLF, SCRIPT_END_CR };
const char *script_end_name(enum script_end end); /* "CRLF" */

#define SCRIPT_LINE_KEPT 128
struct script_line {
	uint64_t number;    /* from 1 */
	uint64_t off, next; /* of its first byte, and of that after its end */
	uint64_t len;       /* in characters (UTF-16: units; else bytes), without its end */
	enum script_end end; /* NONE: the file ends here */
	char text[SCRIPT_LINE_KEPT]; /* the first of them; 0x7f where one is not ASCII */
};

/* Reads line by line, in one pass and bounded memory. */
struct script_reader;
bool script_reader_new(int fd, uint64_t size, enum script_encoding encoding,
    struct script_reader **ret, struct kd_err *e) KD_MUST;
void script_reader_free(struct script_reader *r);
AUTO_DEFINE(struct script_reader, script_reader_free);
/* The next line is the one that begins at this offset; line numbers no longer count. */
void script_reader_seek(struct script_reader *r, uint64_t off);
/* ret->end NONE and ret->len 0: there are no more lines. */
/* A failed read leaves ret as it may be. */
bool script_reader_line(
    struct script_reader *r, struct script_line *ret, struct kd_err *e) KD_MUST;

/* What was seen of the lines so far. */
struct script_seen {
	bool ascii;              /* nothing beyond it; but a byte order mark */
	uint64_t not_utf8_line;  /* the first with malformed UTF-8; 0: none */
	uint64_t nul_line;       /* the first with a NUL in it; 0: none */
};
const struct script_seen *script_reader_seen(const struct script_reader *r);

/* Bytes [0, end) into the digest, as UTF-16LE, a byte order mark with them. UTF-8 must be
 * well-formed. */
bool script_hash(struct format_hash *h, int fd, uint64_t end,
    enum script_encoding encoding, struct kd_err *e) KD_MUST;
/* Appends ASCII text in that encoding. */
void script_put(struct buf *b, enum script_encoding encoding, const char *s, size_t n);
/* Bytes of one ASCII character. */
size_t script_width(enum script_encoding encoding);
#endif
