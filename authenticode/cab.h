/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cab.h - a cabinet's header and its tables of folders and files: what is
 * where, and whether that can be. */
#ifndef KD_CAB_H
#define KD_CAB_H
#include <stdint.h>

#include "base/builder.h"
#include "base/error.h"
#include "base/own.h"

#define CAB_SIZE_MAX 0xffffffffull /* all offsets in the format are 32 bits */
#define CAB_RESERVE_MAX 60000u     /* of the header; [MS-CAB] 2.1 */
#define CAB_NAME_MAX 256u          /* bytes with the NUL; [MS-CAB] 2.3 */
#define CAB_BLOCK_MAX 32768u       /* bytes that one data block unpacks to */

enum { CAB_FLAG_PREV = 1, CAB_FLAG_NEXT = 2, CAB_FLAG_RESERVE = 4 };

enum cab_reserve { /* what the header's reserved area is for */
	CAB_RESERVE_NONE,
	CAB_RESERVE_EMPTY,     /* zero bytes: kept free for a signature */
	CAB_RESERVE_SIGNATURE, /* says where the signature is, or that there is none yet */
	CAB_RESERVE_OTHER
};

struct cab {           /* offsets in bytes from the start of the file */
	uint64_t size; /* of the file */
	uint32_t len;  /* cbCabinet: of the cabinet, without its signature */
	uint32_t files_off;
	uint16_t folders_n, files_n, flags;
	enum cab_reserve reserve;
	uint16_t reserve_len;
	uint8_t folder_reserve, data_reserve; /* bytes in each folder's, block's header */
	uint32_t names_off;                   /* of the neighbours in a set, if any */
	uint32_t folders_off, folders_end;
	uint32_t sig_off, sig_len; /* with padding, at the file's end; 0, 0: unsigned */
	uint64_t trailing;         /* bytes after the cabinet that are no signature */
	struct buf head;           /* the file's bytes up to folders_end; owned */
};
void cab_clear(struct cab *c);
AUTO_DEFINE_CLEAR(struct cab, cab_clear);

/*
 * cab_open - read and check the header of an open regular file.
 *
 * On success names_off <= folders_off <= folders_end <= files_off <= len <= size; of a
 * signed one everything that its digest leaves out is what it has to be, but for iCabinet,
 * which counts for nothing.
 *
 * Holds at most 18 MB, and in a real file some hundred bytes.
 * ret    all-zero before; the caller clears it
 * Errors: KD_E_FORMAT with the field, its offset, the value seen and what was expected;
 *         KD_E_LIMIT (over 4 GiB), KD_E_FILE, KD_E_NOMEM.
 * Spec:   [MS-CAB] 2.1; cabinet facts 1, 2.
 */
bool cab_open(int fd, struct cab *ret, struct kd_err *e) KD_MUST;

struct cab_folder { /* files that are packed together */
	uint32_t data_off;
	uint16_t blocks, compression; /* typeCompress */
};
enum { CAB_COMPRESS_MASK = 0xf, CAB_COMPRESS_NONE = 0, CAB_COMPRESS_MSZIP = 1 };

/* A file that begins in the cabinet before, or goes on in the next. */
#define CAB_FOLDER_SPANS_FROM 0xfffdu
enum { CAB_ATTR_UTF8 = 0x80 };

struct cab_file {
	const char *name;   /* borrowed from the directory; as it stands there */
	uint32_t size, off; /* unpacked, within its folder */
	uint16_t folder;    /* number, or CAB_FOLDER_SPANS_FROM and above */
	uint16_t date, time, attribs;
};
struct cab_dir {
	struct buf text;            /* the table of files; owned */
	struct cab_folder *folders; /* owned */
	struct cab_file *files;     /* owned */
	size_t folders_n, files_n;
	uint32_t end; /* of the table of files */
};
void cab_dir_clear(struct cab_dir *d);
AUTO_DEFINE_CLEAR(struct cab_dir, cab_dir_clear);

/*
 * cab_dir_read - both tables: every folder's data behind them and within the cabinet,
 * every file in a folder that is there and has room for it.
 *
 * Holds at most 24 MB. ret: all-zero before; the caller clears it
 * Errors: KD_E_FORMAT as cab_open, KD_E_FILE, KD_E_NOMEM.
 * Spec:   [MS-CAB] 2.2, 2.3.
 */
bool cab_dir_read(
    int fd, const struct cab *c, struct cab_dir *ret, struct kd_err *e) KD_MUST;
#endif
