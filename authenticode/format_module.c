/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authenticode/format_module.c - Linux kernel modules, as the kernel's sign-file signs them.
 *
 *	module | CMS SignedData, detached | struct module_signature (12 bytes) | magic
 *
 * Spec: Linux, "Kernel module signing facility"; include/linux/module_signature.h; facts,
 * cab-and-others.md section 6.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "authenticode/der.h"
#include "authenticode/format.h"
#include "authenticode/format_io.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/reader.h"
#include "base/text.h"

#define MAGIC "~Module signature appended~\n"
#define MAGIC_LEN 28
#define INFO_LEN 12
#define TRAILER_LEN (INFO_LEN + MAGIC_LEN)
#define ID_PKCS7 2 /* the only id_type since Linux 4.3 */
/* With a whole chain in it, which sign-file leaves out, it has some 10 KiB. */
#define SIGNATURE_MAX ((uint64_t)256 << 10)
/* sign-file adds one more each time it is run. */
#define LAYERS_MAX 16
#define ELF_LEN 18 /* up to e_type and with it */
#define ELF32_LEN 52
#define ELF64_LEN 64
#define MODULE_MAX UINT32_MAX /* a request says no larger size */

struct module {
	uint64_t end;     /* of what the last signature covers, and where that one begins */
	uint64_t sig_len; /* 0: none */
	uint64_t bare_end; /* without any of the signatures */
	unsigned layers;
	bool broken; /* the innermost covers what ends with the magic, and has no signature */
};

/* What can be read of a file that may be anything. */
static bool
peek(int fd, uint64_t off, void *dst, size_t n)
{
	struct kd_err no = {0};

	return file_pread_full(fd, dst, n, off, &no);
}

static uint64_t
size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

/* ELF, and relocatable (ET_REL = 1): what every module is, and no program. */
static bool
is_relocatable(int fd)
{
	uint8_t b[ELF_LEN];

	if (!peek(fd, 0, b, sizeof(b)) || memcmp(b, "\177ELF", 4) != 0)
		return false;
	return b[5] == 1 ? b[16] == 1 && b[17] == 0 : b[16] == 0 && b[17] == 1;
}

static uint64_t
elf_number(const uint8_t *p, size_t n, const uint8_t *elf)
{
	bool little = elf[5] == 1;
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[little ? n - 1 - i : i];
	return v;
}

/* Where the section headers end, the last that a linker writes; 0: nothing says so. */
static uint64_t
sections_end(int fd)
{
	uint8_t b[ELF64_LEN];
	bool wide;
	uint64_t at, len;

	if (!is_relocatable(fd) || !peek(fd, 0, b, ELF32_LEN))
		return 0;
	wide = b[4] == 2;
	if (wide && !peek(fd, 0, b, ELF64_LEN))
		return 0;
	at = wide ? elf_number(&b[40], 8, b) : elf_number(&b[32], 4, b);
	/* e_shentsize, e_shnum */
	len = elf_number(&b[wide ? 58 : 46], 2, b) * elf_number(&b[wide ? 60 : 48], 2, b);
	return at > UINT64_MAX - len ? UINT64_MAX : at + len;
}

/* Does a trailer end at this offset? */
static bool
has_magic(int fd, uint64_t end)
{
	uint8_t b[MAGIC_LEN];

	return end >= MAGIC_LEN && peek(fd, end - MAGIC_LEN, b, sizeof(b)) &&
	       memcmp(b, MAGIC, MAGIC_LEN) == 0;
}

/* A module that modprobe unpacks: told by its name and its first bytes together. */
static const struct packed {
	const char *suffix;
	uint8_t len, magic[6];
	const char *unpack, *pack;
} packed[] = {
    {".ko.xz", 6, {0xfd, '7', 'z', 'X', 'Z', 0}, "xz -d", "xz --check=crc32"},
    {".ko.gz", 2, {0x1f, 0x8b}, "gzip -d", "gzip"},
    {".ko.zst", 4, {0x28, 0xb5, 0x2f, 0xfd}, "zstd -d --rm", "zstd --rm"},
};

static const struct packed *
find_packed(int fd, const char *name)
{
	size_t n = name != NULL ? strlen(name) : 0;
	uint8_t b[6];

	for (size_t i = 0; i < KD_ARRAY_LEN(packed); i++) {
		const struct packed *p = &packed[i];
		size_t m = strlen(p->suffix);

		if (n > m && text_eq_nocase(&name[n - m], p->suffix) &&
		    peek(fd, 0, b, p->len) && memcmp(b, p->magic, p->len) == 0)
			return p;
	}
	return NULL;
}

static bool
module_recognise(int fd, const char *name)
{
	return is_relocatable(fd) || has_magic(fd, size_of(fd)) ||
	       find_packed(fd, name) != NULL;
}

static bool
refuse_packed(const struct packed *p, struct kd_err *e)
{
	(void)kd_fail(e, KD_E_FORMAT,
	    "is a compressed module (%s), whose signature is inside", p->suffix);
	return kd_hint(e,
	    "unpack it (%s FILE%s), sign what comes out, then pack that again (%s "
	    "FILE.ko)",
	    p->unpack, p->suffix, p->pack);
}

/*
 * struct module_signature: algo, hash, id_type, signer_len, key_id_len, three octets of
 * padding, sig_len (big-endian). As the kernel's mod_check_sig: all but id_type and sig_len
 * are zero, and something is left to be signed. ret: where the signature begins, its length.
 */
static bool
read_trailer(
    int fd, uint64_t end, uint64_t *ret_off, uint64_t *ret_len, struct kd_err *e)
{
	static const uint8_t zero[2];
	uint64_t at = end - TRAILER_LEN, len = 0;
	uint8_t b[INFO_LEN];

	if (end < TRAILER_LEN)
		return kd_fail(e, KD_E_FORMAT,
		    "a module's signature ends at offset %" PRIu64
		    ", and needs %d bytes at least",
		    end, TRAILER_LEN);
	if (!file_pread_full(fd, b, sizeof(b), at, e))
		return false;
	if (b[2] != ID_PKCS7)
		return kd_fail(e, KD_E_FORMAT,
		    "module_signature at offset 0x%" PRIx64
		    ": id_type is %u, expected %d (PKCS #7, the only one since Linux 4.3)",
		    at, b[2], ID_PKCS7);
	if (memcmp(b, zero, 2) != 0 || b[3] != 0 || b[4] != 0 || b[5] != 0 ||
	    memcmp(&b[6], zero, 2) != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "module_signature at offset 0x%" PRIx64
		    ": a field beside id_type and sig_len is not zero",
		    at);
	for (int i = 8; i < INFO_LEN; i++)
		len = len << 8 | b[i];
	if (len == 0 || len >= at)
		return kd_fail(e, KD_E_FORMAT,
		    "module_signature at offset 0x%" PRIx64 ": sig_len is %" PRIu64
		    ", expected 1 to %" PRIu64 " (what lies in front of it)",
		    at, len, at > 0 ? at - 1 : 0);
	*ret_off = at - len;
	*ret_len = len;
	return true;
}

/* Signatures under the last one, which sign-file leaves where they are; the last one
 * covers them. */
static bool
find_layers(int fd, struct module *m, struct kd_err *e)
{
	uint64_t len;
	struct kd_err no = {0};

	m->layers = 1;
	m->bare_end = m->end;
	while (!m->broken && has_magic(fd, m->bare_end)) {
		m->broken = !read_trailer(fd, m->bare_end, &m->bare_end, &len, &no);
		if (!m->broken && ++m->layers > LAYERS_MAX)
			return kd_fail(e, KD_E_LIMIT,
			    "is signed more than %d times over", LAYERS_MAX);
	}
	return true;
}

static bool
find_signature(int fd, uint64_t size, struct module *m, struct kd_err *e)
{
	m->end = m->bare_end = size;
	if (!has_magic(fd, size))
		return true;
	if (!read_trailer(fd, size, &m->end, &m->sig_len, e))
		return false;
	if (m->sig_len > SIGNATURE_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "signature of %" PRIu64 " bytes, at most %" PRIu64 " are accepted",
		    m->sig_len, SIGNATURE_MAX);
	return find_layers(fd, m, e);
}

static bool
module_open(int fd, const char *name, struct format_file *f, struct kd_err *e)
{
	const struct packed *p = find_packed(fd, name);
	AUTO(free) struct module *m = kd_alloc(sizeof(*m));
	uint64_t size = size_of(fd);

	if (m == NULL)
		return kd_fail_nomem(e, "module");
	if (p != NULL)
		return refuse_packed(p, e);
	if (size > MODULE_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "is a module of %" PRIu64 " bytes, at most %" PRIu32 " are accepted",
		    size, MODULE_MAX);
	if (!find_signature(fd, size, m, e))
		return false;
	f->size = size;
	f->is_signed = m->sig_len > 0;
	f->state = STEAL(m);
	return true;
}

/* What is cut short the kernel loads no more than what is not signed. */
static bool
is_whole(int fd, const struct module *m, struct kd_err *e)
{
	uint64_t end = sections_end(fd);

	if (end <= m->bare_end)
		return true;
	(void)kd_fail(e, KD_E_FORMAT,
	    "section headers end at 0x%" PRIx64 "; the module ends at 0x%" PRIx64, end,
	    m->bare_end);
	return kd_hint(e, "the file is cut short; copy it again and compare its size");
}

/* The kernel takes a module that is signed twice, and looks at the last signature alone;
 * a tool that takes one signature off would leave the other. */
static bool
module_signable(int fd, const struct format_file *f, struct kd_err *e)
{
	const struct module *m = f->state;

	if (m->broken)
		return kd_fail(e, KD_E_FORMAT,
		    "its signature covers what ends like a signed module at offset "
		    "0x%" PRIx64 ", and is none",
		    m->bare_end);
	if (!is_whole(fd, m, e))
		return false;
	if (m->layers < 2)
		return true;
	(void)kd_fail(e, KD_E_FORMAT,
	    "is signed %u times over: the signature at offset 0x%" PRIx64
	    " covers another one",
	    m->layers, m->end);
	return kd_hint(e, "take all of them off with kdsign-client remove, then sign");
}

static bool
module_digest(int fd, const struct format_file *f, enum md md, uint8_t ret[MD_LEN_MAX],
    struct kd_err *e)
{
	const struct module *m = f->state;
	AUTO(format_hash_free) struct format_hash *h = NULL;

	return format_hash_new(md, &h, e) && format_hash_file(h, fd, 0, m->end, e) &&
	       format_hash_done(h, ret, e);
}

static bool
unsigned_module(struct kd_err *e)
{
	return kd_fail(e, KD_E_UNSIGNED, "has no signature appended");
}

/* All of sig_len is one ContentInfo: what stood behind it, no signature would cover. */
static bool
module_signature(int fd, const struct format_file *f, struct buf *ret, struct kd_err *e)
{
	const struct module *m = f->state;
	AUTO(buf_clear) struct buf b = {0};
	struct tlv whole;
	uint8_t *p;
	struct rd r;

	if (!f->is_signed)
		return unsigned_module(e);
	p = buf_reserve(&b, (size_t)m->sig_len);
	if (!buf_ok(&b, "signature", e) ||
	    !file_pread_full(fd, p, (size_t)m->sig_len, m->end, e))
		return false;
	r = rd_init_at(p, (size_t)m->sig_len, m->end);
	if (!der_want(&r, DER_SEQUENCE, "signature", &whole, e) ||
	    !der_done(&r, "sig_len", e))
		return false;
	buf_add(ret, p, (size_t)m->sig_len);
	return buf_ok(ret, "signature", e);
}

static bool
put_trailer(struct buf *b, const uint8_t *cms, size_t len, struct kd_err *e)
{
	if (len == 0 || len > SIGNATURE_MAX)
		return kd_fail(e, KD_E_TOO_LARGE,
		    "signature has %zu bytes, expected 1 to %" PRIu64, len,
		    SIGNATURE_MAX);
	buf_add(b, cms, len);
	buf_zero(b, 2); /* algo, hash */
	buf_u8(b, ID_PKCS7);
	buf_zero(b, 5); /* signer_len, key_id_len, padding */
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_u8(b, (uint8_t)(len >> shift));
	buf_add(b, MAGIC, MAGIC_LEN);
	return buf_ok(b, "signature", e);
}

static bool
module_embed(int fd, const struct format_file *f, const uint8_t *cms, size_t len,
    int out_fd, struct kd_err *e)
{
	const struct module *m = f->state;
	AUTO(buf_clear) struct buf tail = {0};

	if (cms == NULL)
		return f->is_signed ? format_copy(fd, 0, m->bare_end, out_fd, 0, e)
				    : unsigned_module(e);
	return module_signable(fd, f, e) && put_trailer(&tail, cms, len, e) &&
	       format_copy(fd, 0, m->end, out_fd, 0, e) &&
	       format_pwrite(out_fd, tail.p, tail.len, m->end, e);
}

const struct format format_module = {
    .name = "module",
    .spc = SPC_TYPE_NONE,
    .recognise = module_recognise,
    .open = module_open,
    .free_state = free,
    .signable = module_signable,
    .digest = module_digest,
    .signature = module_signature,
    .embed = module_embed,
};
