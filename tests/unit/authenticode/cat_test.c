/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/cat_test.c - catalogs built, parsed, and refused. */
#include "config.h" /* KD_SANITIZE */

#include "authenticode/cat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "cat_again.h"

/* The fields of a CTL as catalog facts 2 quotes them. */
#define USAGE "300c060a2b0601040182370c0101"
#define ID "041000112233445566778899aabbccddeeff"
#define TIME "170d3236313132343031303230335a" /* 261124010203Z */
#define V1 "300e060a2b0601040182370c01020500"
#define V2 "300e060a2b0601040182370c01030500"
#define FRONT USAGE ID TIME V2
#define UNIX_TIME 1795482123
/* A flat file whose SHA-256 is 32 bytes of 0x11: identifier, type, digest. */
#define ELEVEN "1111111111111111111111111111111111111111111111111111111111111111"
#define INFO2 "3010060a2b0601040182370c020331028200"
#define SHA256 "300d06096086480165030402010500"
#define FLAT "3010060a2b060104018237020119a2028000"
#define INDIRECT                                                                         \
	"3055060a2b0601040182370201043147"                                               \
	"3045" FLAT "3031" SHA256 "0420" ELEVEN
#define MEMBER                                                                           \
	"30818d"                                                                         \
	"0420" ELEVEN "3169" INFO2 INDIRECT
/* OSAttr 2:10.0 for the whole catalog. */
#define OS_ATTR                                                                          \
	"3034060a2b0601040182370c0201042630241e0c004f005300410074007400720204100100"     \
	"01040e32003a00310030002e0030000000"
#define HEADER "a0383036" OS_ATTR

static void
put_hex(struct buf *b, const char *hex)
{
	struct kd_err e = {0};
	size_t n = strlen(hex) / 2;

	assert_true(text_unhex(hex, buf_reserve(b, n), n, &e));
}

static void
make_ctl(struct buf *ret, const char *hex)
{
	size_t m = der_begin(ret, DER_SEQUENCE);

	put_hex(ret, hex);
	der_end(ret, m);
}

static const uint8_t id[CAT_IDENTIFIER_LEN] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66,
    0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

static struct cat_attr
os_attr(void)
{
	static const char name[] = "\0O\0S\0A\0t\0t\0r";
	static const char value[] = "2\0:\0001\0000\0.\0000\0\0";

	return (struct cat_attr){.kind = CAT_ATTR_NAME_VALUE,
	    .name_value = {
		(const uint8_t *)name, 12, 0x10010001, (const uint8_t *)value, 14}};
}

static void
a_catalog_is_built_byte_for_byte(void **state)
{
	AUTO(buf_clear) struct buf want = {0};
	AUTO(buf_clear) struct buf got = {0};
	AUTO(cat_builder_free) struct cat_builder *b = NULL;
	uint8_t digest[32];
	struct kd_err e = {0};
	const struct cat_attr header = os_attr();
	const struct cat_attr attrs[] = {
	    {.kind = CAT_ATTR_INDIRECT,
		.indirect = {.subject = CAT_FLAT, .md = MD_SHA256, .digest = digest}},
	    {.kind = CAT_ATTR_MEMBER_INFO2, .subject = CAT_FLAT},
	};

	memset(digest, 0x11, sizeof(digest));
	make_ctl(&want, FRONT "308190" MEMBER HEADER);
	assert_true(cat_builder_new(CAT_V2, &b, &e));
	assert_true(cat_builder_header(b, &header, &e));
	assert_true(cat_builder_member(b, digest, sizeof(digest), attrs, 2, &e));
	assert_true(cat_builder_finish(b, id, sizeof(id), UNIX_TIME, &got, &e));
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.p, want.p, want.len);
}

static void
its_fields_are_parsed(void **state)
{
	AUTO(buf_clear) struct buf ctl = {0};
	AUTO(cat_clear) struct cat c = {0};
	struct cat_attr a;
	struct kd_err e = {0};
	struct rd r;

	make_ctl(&ctl, FRONT "308190" MEMBER HEADER);
	assert_true(cat_parse_ctl(ctl.p, ctl.len, &c, &e));
	assert_int_equal(c.version, CAT_V2);
	assert_int_equal(c.time, UNIX_TIME);
	assert_memory_equal(c.identifier, id, sizeof(id));
	assert_ptr_equal(c.ctl, ctl.p);
	assert_int_equal(c.members_n, 1);
	r = cat_attrs(&c.members[0]);
	assert_true(cat_next_attr(&r, &a, &e));
	assert_int_equal(a.kind, CAT_ATTR_MEMBER_INFO2);
	assert_int_equal(a.subject, CAT_FLAT);
	assert_true(cat_next_attr(&r, &a, &e));
	assert_int_equal(a.kind, CAT_ATTR_INDIRECT);
	assert_int_equal(a.indirect.subject, CAT_FLAT);
	assert_int_equal(a.indirect.link, CAT_LINK_EMPTY);
	assert_memory_equal(a.indirect.digest, c.members[0].id, 32);
	assert_int_equal(rd_left(&r), 0);
	r = c.header;
	assert_true(cat_next_header(&r, &a, &e));
	assert_int_equal(a.name_value.flags, 0x10010001);
	assert_memory_equal(a.name_value.name, os_attr().name_value.name, 12);
	assert_int_equal(rd_left(&r), 0);
	assert_ptr_equal(cat_find(&c, c.members[0].id, 32), &c.members[0]);
	assert_null(cat_find(&c, c.members[0].id, 31));
	assert_null(cat_find(&c, id, sizeof(id)));
}

/* CTLs that are none of a catalog, and what is said of each. */
static const struct {
	const char *hex, *message;
	enum kd_code code;
} refused[] = {
    {"300c060a2b0601040182370a0303" ID TIME V2 "3000",
	"CTL subjectUsage is 1.3.6.1.4.1.311.10.3.3: a certificate trust list, but no "
	"catalog (1.3.6.1.4.1.311.12.1.1)",
	KD_E_FORMAT},
    {"020101" USAGE ID TIME V2 "3000",
	"CTL subjectUsage at offset 0x2: tag 0x02, expected 0x30", KD_E_FORMAT},
    {USAGE ID "170d3236313332343031303230335a" V2 "3000",
	"CTL thisUpdate at offset 0x24 is no time, expected YYMMDDHHMMSSZ", KD_E_FORMAT},
    {USAGE ID "170d3236303233303031303230335a" V2 "3000",
	"CTL thisUpdate at offset 0x24 is no time, expected YYMMDDHHMMSSZ", KD_E_FORMAT},
    {USAGE ID "170b323631313234303130325a" V2 "3000",
	"CTL thisUpdate at offset 0x24 is no time, expected YYMMDDHHMMSSZ", KD_E_FORMAT},
    {USAGE ID TIME "300e060a2b0601040182370c01040500"
		   "3000",
	"CTL subjectAlgorithm is 1.3.6.1.4.1.311.12.1.4, expected "
	"1.3.6.1.4.1.311.12.1.2 (catalog, version 1) or .3 (version 2)",
	KD_E_FORMAT},
    {FRONT, "CTL trustedSubjects at offset 0x41 needs 1 bytes; the data ends at 0x41",
	KD_E_FORMAT},
    {FRONT "3000"
	   "a000",
	"CTL extensions at offset 0x45 needs 1 bytes; the data ends at 0x45",
	KD_E_FORMAT},
    {FRONT "3000"
	   "a0023000",
	"CTL extensions: empty, expected none", KD_E_FORMAT},
    {FRONT "3000"
	   "0500",
	"CTL has 2 unexpected bytes at offset 0x43", KD_E_FORMAT},
    {FRONT "3006"
	   "3004"
	   "0400"
	   "3100",
	"member 1: member at offset 0x43: empty identifier", KD_E_FORMAT},
    {FRONT "300e"
	   "3005"
	   "040101"
	   "3100"
	   "3005"
	   "040101"
	   "3100",
	"member 2: has the identifier of the one before", KD_E_FORMAT},
    {FRONT "300e"
	   "3005"
	   "040102"
	   "3100"
	   "3005"
	   "040101"
	   "3100",
	"member 2: its identifier belongs before the last one's", KD_E_FORMAT},
    {FRONT "300f"
	   "3006"
	   "04020101"
	   "3100"
	   "3005"
	   "040101"
	   "3100",
	"member 2: its identifier belongs before the last one's", KD_E_FORMAT},
    {FRONT "302b"
	   "3029"
	   "040101"
	   "3124" INFO2 INFO2,
	"member 1: attribute at offset 0x5c: not in the order of a SET in DER",
	KD_E_FORMAT},
    {FRONT "3017"
	   "3015"
	   "040101"
	   "3110"
	   "3010060a2b0601040182370c02033102",
	"member 1: attribute at offset 0x4c needs 16 bytes; the data ends at 0x5a",
	KD_E_FORMAT},
    {FRONT "301b"
	   "3019"
	   "040101"
	   "3114"
	   "3012060a2b0601040182370c0203310482008200",
	"member 1: attribute values has 2 unexpected bytes at offset 0x5c", KD_E_FORMAT},
};

static void
what_is_no_catalog_gets_a_sentence(void **state)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(refused); i++) {
		AUTO(buf_clear) struct buf ctl = {0};
		AUTO(cat_clear) struct cat c = {0};
		struct kd_err e = {0};

		make_ctl(&ctl, refused[i].hex);
		assert_false(cat_parse_ctl(ctl.p, ctl.len, &c, &e));
		assert_string_equal(e.msg, refused[i].message);
		assert_int_equal(e.code, refused[i].code);
		assert_null(c.members);
	}
}

/* One attribute of a member: CAT_NAMEVALUE, digests. */
static const struct {
	const char *hex, *message;
} refused_attrs[] = {
    {"3019060a2b0601040182370c0201310b30091e0141020101040100",
	"attribute name: UTF-16 text of 1 bytes, an odd number"},
    {"301a060a2b0601040182370c0201310c300a1e0200410201ff040100",
	"attribute flags: 1 bytes, expected a number of 32 bits in DER"},
    {"301b060a2b0601040182370c0201310d300b1e02004102020001040100",
	"attribute flags: 2 bytes, expected a number of 32 bits in DER"},
    {"301f060a2b0601040182370c02013111300f1e0200410206010203040506040100",
	"attribute flags: 6 bytes, expected a number of 32 bits in DER"},
    {"3037060a2b06010401823702010431293027" FLAT "3013"
     "300d06096086480165030402010500"
     "04021111",
	"DigestInfo digest has 2 bytes, sha256 has 32"},
    {"3053060a2b060104018237020104314530"
     "43" FLAT "302f"
     "300b0609608648016503040201"
     "0420" ELEVEN,
	"DigestInfo algorithm has 0 bytes of parameters, expected NULL"},
};

static void
a_malformed_attribute_gets_a_sentence(void **state)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(refused_attrs); i++) {
		AUTO(buf_clear) struct buf b = {0};
		struct cat_attr a = {.der_len = 7};
		struct kd_err e = {0};
		struct rd r;

		put_hex(&b, refused_attrs[i].hex);
		r = rd_init(b.p, b.len);
		assert_false(cat_next_attr(&r, &a, &e));
		assert_string_equal(e.msg, refused_attrs[i].message);
		assert_int_equal(e.code, KD_E_FORMAT);
		assert_int_equal(a.der_len, 7);
	}
}

static void
what_is_not_understood_is_kept(void **state)
{
	static const char *const hex[] = {
	    /* unknown type; choice 3; flags 0 and 2^31 */
	    "3010060a2b0601040182370c026331020500",
	    "3010060a2b0601040182370c020331028300",
	    "301a060a2b0601040182370c0201310c300a1e020041020100040100",
	    "301e060a2b0601040182370c02013110300e1e02004102050080000000040100",
	    /* MSI's SpcSipInfo is an unknown form of data */
	    "3055060a2b0601040182370201043147304530"
	    "10060a2b06010401823702011e30020500"
	    "3031" SHA256 "0420" ELEVEN,
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(hex); i++) {
		AUTO(buf_clear) struct buf der = {0};
		AUTO(buf_clear) struct buf set = {0};
		AUTO(buf_clear) struct buf ctl = {0};
		AUTO(buf_clear) struct buf again = {0};
		AUTO(cat_clear) struct cat c = {0};
		struct cat_again seen = {0};
		struct kd_err e = {0};
		size_t all, list, member;

		put_hex(&der, hex[i]);
		all = der_begin(&ctl, DER_SEQUENCE);
		put_hex(&ctl, FRONT);
		list = der_begin(&ctl, DER_SEQUENCE);
		member = der_begin(&ctl, DER_SEQUENCE);
		der_put(&ctl, DER_OCTET_STRING, "x", 1);
		der_put(&ctl, DER_SET, der.p, der.len);
		der_end(&ctl, member);
		der_end(&ctl, list);
		der_end(&ctl, all);
		if (!cat_parse_ctl(ctl.p, ctl.len, &c, &e))
			fail_msg("%zu: %s", i, e.msg);
		assert_true(cat_again(&c, &again, &seen, &e));
		assert_int_equal(again.len, ctl.len);
		assert_memory_equal(again.p, ctl.p, ctl.len);
	}
}

static void
one_byte_less_or_changed_never_harms(void **state)
{
	AUTO(buf_clear) struct buf ctl = {0};
	AUTO(buf_clear) struct buf file = {0};
	struct kd_err none = {0};

	make_ctl(&ctl, FRONT "308190" MEMBER HEADER);
	assert_true(cat_wrap(ctl.p, ctl.len, &file, &none));
	for (size_t i = 0; i < file.len; i++) {
		AUTO(free) uint8_t *exact = malloc(i + 1);
		AUTO(cat_clear) struct cat c = {0};
		struct kd_err e = {0};

		assert_non_null(exact);
		memcpy(exact, file.p, i);
		assert_false(cat_parse(exact, i, &c, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		assert_true(e.msg[0] != '\0');
		for (unsigned bit = 0; bit < 8; bit++) {
			AUTO(cat_clear) struct cat flipped = {0};
			AUTO(buf_clear) struct buf again = {0};
			struct cat_again seen = {0};
			struct kd_err flip_e = {0};

			file.p[i] ^= (uint8_t)(1u << bit);
			if (!cat_parse(file.p, file.len, &flipped, &flip_e)) {
				assert_true(flip_e.msg[0] != '\0');
			} else {
				assert_true(cat_again(&flipped, &again, &seen, &flip_e));
				assert_int_equal(again.len, flipped.ctl_len);
				assert_memory_equal(again.p, flipped.ctl, again.len);
			}
			file.p[i] ^= (uint8_t)(1u << bit);
		}
	}
}

static void
members_are_sorted_and_the_first_of_equal_ones_stays(void **state)
{
	static const char *const ids[] = {"b", "aa", "c", "a", "b"};
	static const char *const want[] = {"a", "aa", "b", "c"};
	AUTO(cat_builder_free) struct cat_builder *b = NULL;
	AUTO(buf_clear) struct buf ctl = {0};
	AUTO(cat_clear) struct cat c = {0};
	struct cat_attr a = {.kind = CAT_ATTR_MEMBER_INFO, .subject = CAT_PE};
	struct kd_err e = {0};
	struct rd r;

	assert_true(cat_builder_new(CAT_V1, &b, &e));
	for (size_t i = 0; i < KD_ARRAY_LEN(ids); i++) {
		if (i == 4)
			a.subject = CAT_FLAT;
		assert_true(cat_builder_member(
		    b, (const uint8_t *)ids[i], strlen(ids[i]), &a, 1, &e));
	}
	assert_true(cat_builder_finish(b, id, sizeof(id), 0, &ctl, &e));
	assert_true(cat_parse_ctl(ctl.p, ctl.len, &c, &e));
	assert_int_equal(c.version, CAT_V1);
	assert_int_equal(c.time, 0);
	assert_int_equal(c.members_n, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(c.members[i].id_len, strlen(want[i]));
		assert_memory_equal(c.members[i].id, want[i], strlen(want[i]));
	}
	r = cat_attrs(&c.members[2]);
	assert_true(cat_next_attr(&r, &a, &e));
	assert_int_equal(a.kind, CAT_ATTR_MEMBER_INFO);
	assert_int_equal(a.subject, CAT_PE);
}

static void
a_time_that_utctime_cannot_say_is_refused(void **state)
{
	AUTO(cat_builder_free) struct cat_builder *b = NULL;
	AUTO(buf_clear) struct buf ctl = {0};
	struct kd_err e = {0};

	assert_true(cat_builder_new(CAT_V1, &b, &e));
	assert_false(cat_builder_finish(b, id, sizeof(id), 2524608000, &ctl, &e));
	assert_string_equal(
	    e.msg, "time 2524608000 is not between 1950 and 2049, the years of UTCTime");
	assert_int_equal(ctl.len, 0);
}

static void
other_signed_content_is_no_catalog(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	AUTO(cat_clear) struct cat c = {0};
	struct kd_err e = {0};

	put_hex(&b,
	    "302f06092a864886f70d010702a022302002010131003017060a2b0601040182370201"
	    "04a009300706052b0e03021a3100");
	assert_false(cat_parse(b.p, b.len, &c, &e));
	assert_string_equal(e.msg,
	    "not a catalog: the content is of type 1.3.6.1.4.1.311.2.1.4, expected "
	    "1.3.6.1.4.1.311.10.1 (CTL)");
}

static void
a_catalog_of_100_mb_is_refused_at_once(void **state)
{
	AUTO(cat_clear) struct cat c = {0};
	struct kd_err e = {0};

	assert_false(cat_parse((const uint8_t *)"", (size_t)100 << 20, &c, &e));
	assert_int_equal(e.code, KD_E_LIMIT);
	assert_string_equal(
	    e.msg, "catalog of 104857600 bytes, at most 16777216 are read");
}

static double
cpu_seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

/* As many members as fit into 16 MiB, more than are allowed. */
static void
a_hostile_catalog_takes_neither_memory_nor_time(void **state)
{
	AUTO(buf_clear) struct buf list = {0};
	AUTO(buf_clear) struct buf ctl = {0};
	AUTO(cat_clear) struct cat c = {0};
	struct kd_err e = {0};
	struct rusage use;
	double start;
	size_t all;

	for (uint32_t i = 0; list.len < ((size_t)15 << 20); i++) {
		put_hex(&list, "3008"
			       "0404");
		for (unsigned k = 4; k > 0; k--)
			buf_u8(&list, (uint8_t)(i >> 8 * (k - 1)));
		put_hex(&list, "3100");
	}
	all = der_begin(&ctl, DER_SEQUENCE);
	put_hex(&ctl, FRONT);
	der_put(&ctl, DER_SEQUENCE, list.p, list.len);
	der_end(&ctl, all);
	buf_clear(&list);
	start = cpu_seconds();
	assert_false(cat_parse_ctl(ctl.p, ctl.len, &c, &e));
	assert_string_equal(e.msg, "more than 100000 members");
	assert_int_equal(e.code, KD_E_LIMIT);
	assert_true(cpu_seconds() - start < 2.0);
	assert_int_equal(getrusage(RUSAGE_SELF, &use), 0);
#ifndef KD_SANITIZE
	assert_true(use.ru_maxrss < 64 << 10);
#endif
}

static void
nested_elements_are_not_followed(void **state)
{
	AUTO(buf_clear) struct buf deep = {0};
	AUTO(buf_clear) struct buf ctl = {0};
	AUTO(cat_clear) struct cat c = {0};
	struct kd_err e = {0};
	size_t all, n = 10000;

	for (size_t i = 0; i < n; i++) { /* SEQUENCE { SEQUENCE { ... */
		size_t len = 4 * (n - i - 1);

		put_hex(&deep, "3082");
		buf_u8(&deep, (uint8_t)(len >> 8));
		buf_u8(&deep, (uint8_t)len);
	}
	all = der_begin(&ctl, DER_SEQUENCE);
	put_hex(&ctl, FRONT);
	buf_add(&ctl, deep.p, deep.len);
	der_end(&ctl, all);
	assert_false(cat_parse_ctl(ctl.p, ctl.len, &c, &e));
	assert_string_equal(e.msg,
	    "member 1: member's identifier at offset 0x4b: tag 0x30, expected 0x04");
}

static bool
build_and_parse(struct kd_err *e)
{
	AUTO(cat_builder_free) struct cat_builder *b = NULL;
	AUTO(buf_clear) struct buf ctl = {0};
	AUTO(buf_clear) struct buf file = {0};
	AUTO(cat_clear) struct cat c = {0};
	const struct cat_attr header = os_attr();
	static const uint8_t digest[20];
	const struct cat_attr attrs[] = {
	    {.kind = CAT_ATTR_INDIRECT,
		.indirect = {.subject = CAT_PE, .md = MD_SHA1, .digest = digest}},
	    {.kind = CAT_ATTR_MEMBER_INFO, .subject = CAT_PE},
	};

	return cat_builder_new(CAT_V1, &b, e) && cat_builder_header(b, &header, e) &&
	       cat_builder_member(b, digest, sizeof(digest), attrs, 2, e) &&
	       cat_builder_finish(b, id, sizeof(id), UNIX_TIME, &ctl, e) &&
	       cat_wrap(ctl.p, ctl.len, &file, e) && cat_parse(file.p, file.len, &c, e);
}

static void
every_failed_allocation_is_an_ordinary_error(void **state)
{
	bool done = false;

	for (long nth = 0; !done; nth++) {
		struct kd_err e = {0};

		kd_alloc_fail_at(nth);
		done = build_and_parse(&e);
		kd_alloc_fail_at(-1);
		assert_int_equal(e.code, done ? KD_OK : KD_E_NOMEM);
		assert_true(nth < 1000);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_hostile_catalog_takes_neither_memory_nor_time),
	    cmocka_unit_test(a_catalog_is_built_byte_for_byte),
	    cmocka_unit_test(its_fields_are_parsed),
	    cmocka_unit_test(what_is_no_catalog_gets_a_sentence),
	    cmocka_unit_test(a_malformed_attribute_gets_a_sentence),
	    cmocka_unit_test(what_is_not_understood_is_kept),
	    cmocka_unit_test(one_byte_less_or_changed_never_harms),
	    cmocka_unit_test(members_are_sorted_and_the_first_of_equal_ones_stays),
	    cmocka_unit_test(a_time_that_utctime_cannot_say_is_refused),
	    cmocka_unit_test(other_signed_content_is_no_catalog),
	    cmocka_unit_test(a_catalog_of_100_mb_is_refused_at_once),
	    cmocka_unit_test(nested_elements_are_not_followed),
	    cmocka_unit_test(every_failed_allocation_is_an_ordinary_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
