/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cfb.h - a compound file (OLE, [MS-CFB]), which an MSI is: its tables and its
 * directory, read strictly, so that whatever follows them comes to an end. */
#ifndef KD_CFB_H
#define KD_CFB_H
#include <stddef.h>
#include <stdint.h>

#include "base/builder.h"
#include "base/error.h"
#include "base/own.h"

#define CFB_SIZE_MAX ((uint64_t)2 << 30) /* what Windows Installer and 512-byte sectors allow */
#define CFB_ENTRIES_MAX 16384            /* a large package has 2,000 */
#define CFB_CHILDREN_MAX 4096            /* of one storage: readers search them one by one */
#define CFB_LEVELS_MAX 4096              /* links from the root to an entry: readers recurse */
#define CFB_DEPTH_MAX 32                 /* storages in storages */
#define CFB_NONE UINT32_MAX              /* no entry, NOSTREAM; also a free sector, FREESECT */

#define CFB_ENTRY_LEN 128
#define CFB_MINI_LEN 64     /* a mini sector */
#define CFB_MINI_BELOW 4096 /* streams shorter than this are in mini sectors */
#define CFB_MINI_STREAM_MAX ((uint64_t)CFB_ENTRIES_MAX * CFB_MINI_BELOW)
#define CFB_SPARE_SECTORS 16 /* of a table, beyond what its file needs */
#define CFB_DIFAT_HEADER 109

/* Values in a table that are no sector. */
#define CFB_FREE 0xffffffff
#define CFB_END 0xfffffffe
#define CFB_FATSECT 0xfffffffd
#define CFB_DIFSECT 0xfffffffc

enum cfb_type { CFB_UNUSED = 0, CFB_STORAGE = 1, CFB_STREAM = 2, CFB_ROOT = 5 };

struct cfb_entry { /* what the tree needs; the rest is in the directory's bytes */
	uint8_t name_len; /* bytes of UTF-16LE, without the terminator */
	uint8_t type;     /* enum cfb_type */
	uint8_t depth;    /* 0: the root */
	bool in_tree;     /* reached from the root */
	uint32_t parent;  /* a storage; CFB_NONE: the root's, or not in the tree */
	uint32_t kids, kids_n; /* of a storage: a run of cfb's kids */
	uint32_t start;   /* first sector or mini sector */
	uint64_t size;
};

struct cfb_chain { /* sectors in the order that they follow each other */
	uint32_t *v;
	size_t n, cap;
};

/* One table of links, FAT or mini FAT, and who is in use. */
struct cfb_table {
	const char *unit; /* "sector", "mini sector" */
	uint32_t *next;
	uint32_t n;    /* sectors that are there and have an entry */
	uint32_t cap;  /* entries of next: what the table's own sectors have room for */
	uint8_t *used; /* a bit for each: in a chain, or holding a table */
	struct cfb_chain at; /* the sectors that the table itself stands in */
};

struct cfb {
	uint64_t size;       /* of the file */
	uint32_t sector_len; /* 512 or 4096 */
	uint64_t trailing;   /* bytes behind the last sector that the FAT knows of */
	uint8_t header[512];
	struct cfb_table fat, mini;
	struct cfb_chain difat, dir_at, mini_stream;
	struct buf dir;      /* the directory, entry after entry */
	struct cfb_entry *v;
	uint32_t n;          /* entries, unused ones too */
	uint32_t *kids;      /* of each storage: by the bytes of their names */
};
void cfb_clear(struct cfb *c);
AUTO_DEFINE_CLEAR(struct cfb, cfb_clear);

/*
 * cfb_open - reads header, DIFAT, FAT, directory and mini FAT, and walks every chain.
 *
 * Afterwards each sector is in at most one chain, each chain has as many sectors as its
 * stream's size needs and ends, each entry of the tree has one parent and a name of its own,
 * and there is no more of anything than the limits above.
 *
 * fd    read with pread; size: of the file
 * Errors: KD_E_FORMAT (with the sector or entry, and what is wrong with it), KD_E_LIMIT,
 *         KD_E_FILE, KD_E_NOMEM. ret is cleared by the caller, in any case.
 * Spec:   [MS-CFB] 2.2 to 2.6.
 */
bool cfb_open(int fd, uint64_t size, struct cfb *ret, struct kd_err *e) KD_MUST;
/* Frees what only a change of the file needs: the tables. What is left is some 200 bytes an entry. */
void cfb_drop_tables(struct cfb *c);

bool cfb_is_magic(const uint8_t *p, size_t n);

/* Borrowed, CFB_ENTRY_LEN bytes: an entry as it stands in the directory. */
const uint8_t *cfb_raw(const struct cfb *c, uint32_t id);
/* Where in these: [MS-CFB] 2.6.1. */
enum cfb_field {
	CFB_AT_NAME = 0,
	CFB_AT_NAME_LEN = 64,
	CFB_AT_TYPE = 66,
	CFB_AT_COLOR = 67,
	CFB_AT_LEFT = 68,
	CFB_AT_RIGHT = 72,
	CFB_AT_CHILD = 76,
	CFB_AT_CLSID = 80,
	CFB_AT_STATE = 96,
	CFB_AT_TIMES = 100, /* creation, then modification */
	CFB_AT_START = 116,
	CFB_AT_SIZE = 120
};
/* The child of that name (UTF-16LE, n bytes), or CFB_NONE. */
uint32_t cfb_find(const struct cfb *c, uint32_t storage, const uint8_t *name, size_t n);
/* Its name, safe to show. */
#define CFB_NAME_MAX 128
const char *cfb_name(const struct cfb *c, uint32_t id, char dst[CFB_NAME_MAX]);

/* Where in the header: [MS-CFB] 2.2. */
enum cfb_header_field {
	CFB_HEAD_MAJOR = 26,
	CFB_HEAD_BYTE_ORDER = 28,
	CFB_HEAD_SHIFT = 30,
	CFB_HEAD_MINI_SHIFT = 32,
	CFB_HEAD_DIR_N = 40, /* 4096-byte sectors only */
	CFB_HEAD_FAT_N = 44,
	CFB_HEAD_DIR = 48,
	CFB_HEAD_CUTOFF = 56,
	CFB_HEAD_MINI = 60,
	CFB_HEAD_MINI_N = 64,
	CFB_HEAD_DIFAT = 68,
	CFB_HEAD_DIFAT_N = 72,
	CFB_HEAD_FAT_AT = 76
};

/* For cfb_*.c only. */
uint32_t cfb_u32(const uint8_t *p);
void cfb_put_u32(uint8_t *p, uint32_t v);
bool cfb_is_used(const struct cfb_table *t, uint32_t i);
void cfb_set_used(struct cfb_table *t, uint32_t i, bool used);
bool cfb_chain_add(struct cfb_chain *c, uint32_t sector, struct kd_err *e) KD_MUST;
uint64_t cfb_sector_off(const struct cfb *c, uint32_t sector);
/* Room for cap entries, new ones free. */
bool cfb_table_grow(struct cfb_table *t, uint64_t cap, struct kd_err *e) KD_MUST;
/* Follows a chain to its end, marks its sectors as used, appends them to ret (may be NULL).
 * need: how many there must be at least. what: for messages. */
bool cfb_walk(struct cfb_table *t, uint32_t start, uint64_t need, const char *what,
    struct cfb_chain *ret, struct kd_err *e) KD_MUST;
bool cfb_read_tree(struct cfb *c, struct kd_err *e) KD_MUST; /* cfb_tree.c */
#endif
