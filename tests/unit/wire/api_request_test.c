/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/wire/api_request_test.c - what a client may ask, and each thing it may not.
 */
#include "tests/unit/wire/check.h"
#include "wire/api.h"

#define ID "\"id\":\"build-0123456789\""
#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define ITEM_BEFORE "\"kind\":\"pe\",\"name\":\"hello.sys\",\"size\":6680,"
#define CATALOG_BEFORE "\"kind\":\"catalog\",\"name\":\"hello.cat\",\"size\":668,"
#define ITEM_DIGEST "\"digest_algorithm\":\"sha256\",\"digest\":\"" HEX64 "\""
#define ITEM "{" ITEM_BEFORE ITEM_DIGEST "}"
#define CATALOG(more) "{" ID ",\"items\":[{" CATALOG_BEFORE ITEM_DIGEST more "}]}"
#define OF_KIND(kind, more)                                                              \
	"{" ID ",\"items\":[{\"kind\":\"" kind "\",\"name\":\"a\",\"size\":1,"               \
	ITEM_DIGEST more "}]}"
#define WITH(more) "{" ID ",\"items\":[{" ITEM_BEFORE ITEM_DIGEST more "}]}"

static bool
decode(const char *text, struct api_sign_request *ret, struct kd_err *e)
{
	return api_sign_request_decode(text, strlen(text), ret, e);
}

static void
smallest_request(void **state)
{
	AUTO(api_sign_request_clear) struct api_sign_request r = {0};
	struct kd_err e = {0};

	check_done(decode("{" ID ",\"items\":[" ITEM "]}", &r, &e), &e);
	assert_string_equal(r.id, "build-0123456789");
	assert_string_equal(r.retry_of, "");
	assert_string_equal(r.key, "");
	assert_int_equal(r.items_n, 1);
	assert_int_equal(r.items[0].kind, API_KIND_PE);
	assert_string_equal(r.items[0].name, "hello.sys");
	assert_int_equal(r.items[0].size, 6680);
	assert_int_equal(r.items[0].md, MD_SHA256);
	assert_memory_equal(r.items[0].digest, "\0\x11\x22\x33", 4);
	assert_memory_equal(&r.items[0].digest[28], "\xcc\xdd\xee\xff", 4);
	assert_null(r.items[0].description);
	assert_null(r.items[0].url);
	assert_int_equal(r.items[0].sequence, 0);
	assert_null(r.items[0].page_hashes);
	assert_null(r.items[0].ctl);
}

static void
each_kind_is_read(void **state)
{
	static const struct {
		const char *text;
		enum api_kind kind;
		unsigned sequence;
	} cases[] = {
	    {OF_KIND("cabinet", ",\"sequence\":2"), API_KIND_CABINET, 2},
	    {OF_KIND("script", ",\"sequence\":3"), API_KIND_SCRIPT, 3},
	    {OF_KIND("msi", ",\"sequence\":4"), API_KIND_MSI, 4},
	    {OF_KIND("module", ""), API_KIND_MODULE, 0},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(api_sign_request_clear) struct api_sign_request r = {0};
		struct kd_err e = {0};

		check_done(decode(cases[i].text, &r, &e), &e);
		assert_int_equal(r.items[0].kind, cases[i].kind);
		assert_int_equal(r.items[0].sequence, cases[i].sequence);
	}
}

static void
catalog_page_hashes_and_sequence(void **state)
{
	static const char said[] = "{" ID ",\"items\":[{" CATALOG_BEFORE ITEM_DIGEST
				   ",\"ctl\":\"MAIFAA==\",\"sequence\":100}"
				   ",{\"page_hashes\":\"AAECAwQF\"," ITEM_BEFORE ITEM_DIGEST
				   ",\"sequence\":1}]}";
	AUTO(api_sign_request_clear) struct api_sign_request r = {0}, again = {0};
	AUTO(buf_clear) struct buf once = {0}, twice = {0};
	struct kd_err e = {0};

	check_done(decode(said, &r, &e), &e);
	assert_int_equal(r.items[0].kind, API_KIND_CATALOG);
	assert_int_equal(r.items[0].ctl_len, 4);
	assert_memory_equal(r.items[0].ctl, "\x30\x02\x05\x00", 4);
	assert_int_equal(r.items[0].sequence, 100);
	assert_null(r.items[0].page_hashes);
	assert_int_equal(r.items[1].page_hashes_len, 6);
	assert_memory_equal(r.items[1].page_hashes, "\0\1\2\3\4\5", 6);
	assert_int_equal(r.items[1].sequence, 1);
	assert_null(r.items[1].ctl);
	api_sign_request_encode(&r, &once);
	assert_non_null(strstr(buf_cstr(&once), "\"sequence\":100,\"ctl\":\"MAIFAA==\"}"));
	check_done(decode(buf_cstr(&once), &again, &e), &e);
	api_sign_request_encode(&again, &twice);
	assert_string_equal(buf_cstr(&twice), buf_cstr(&once));
}

static void
everything_said_comes_back_in_canonical_form(void **state)
{
	static const char said[] =
	    " { \"items\" : [ { \"url\":\"HTTPS://example.com/a?b=c\", "
	    "\"description\":\"Gr\\u00fc\\u00dfe\","
	    "\"digest\":\"AABBCCDDEEFF00112233445566778899aabbccdd\",\"digest_"
	    "algorithm\":\"sha1\","
	    "\"size\":4294967295,\"name\":\"a b\xc3\xa4.sys\",\"kind\":\"pe\"}, " ITEM
	    "],\n"
	    "\"key\":\"driver-2026\",\"retry_of\":\"ABCDEFGHIJ._-xyz\"," ID "}";
	static const char want[] =
	    "{" ID
	    ",\"retry_of\":\"ABCDEFGHIJ._-xyz\",\"key\":\"driver-2026\",\"items\":["
	    "{\"kind\":\"pe\",\"name\":\"a b\xc3\xa4.sys\",\"size\":4294967295,"
	    "\"digest_algorithm\":\"sha1\",\"digest\":"
	    "\"aabbccddeeff00112233445566778899aabbccdd\","
	    "\"description\":\"Gr\xc3\xbc\xc3\x9f"
	    "e\",\"url\":\"HTTPS://example.com/a?b=c\"},"
	    "{" ITEM_BEFORE "\"digest_algorithm\":\"sha256\",\"digest\":"
	    "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}]}";
	AUTO(api_sign_request_clear) struct api_sign_request r = {0}, again = {0};
	AUTO(buf_clear) struct buf once = {0}, twice = {0};
	struct kd_err e = {0};

	check_done(decode(said, &r, &e), &e);
	api_sign_request_encode(&r, &once);
	assert_string_equal(buf_cstr(&once), want);
	check_done(decode(want, &again, &e), &e);
	api_sign_request_encode(&again, &twice);
	assert_string_equal(buf_cstr(&twice), want);
}

static void
each_algorithm_has_its_length(void **state)
{
	static const struct {
		const char *name;
		enum md md;
		int digits;
	} algs[] = {{"sha1", MD_SHA1, 40}, {"sha256", MD_SHA256, 64},
	    {"sha384", MD_SHA384, 96}, {"sha512", MD_SHA512, 128}};

	for (size_t i = 0; i < KD_ARRAY_LEN(algs); i++) {
		AUTO(api_sign_request_clear) struct api_sign_request r = {0};
		struct kd_err e = {0};
		char text[512];

		(void)snprintf(text, sizeof(text),
		    "{" ID ",\"items\":[{" ITEM_BEFORE
		    "\"digest_algorithm\":\"%s\",\"digest\":\"%0*d\"}]}",
		    algs[i].name, algs[i].digits, 0);
		check_done(decode(text, &r, &e), &e);
		assert_int_equal(r.items[0].md, algs[i].md);
	}
}

static const struct {
	const char *text;
	enum kd_code code;
	const char *msg;
} refusals[] = {
    {"{", KD_E_REQUEST, "line 1 column 1: string or '}' expected near end of file"},
    {"[]", KD_E_REQUEST, "the document: needs an object, is an array"},
    {"{}", KD_E_REQUEST, "id: missing"},
    {"{\"id\":7}", KD_E_REQUEST, "id: needs a string, is a whole number"},
    {"{\"id\":\"short-0123456789\"}", KD_E_REQUEST, "items: missing"},
    {"{\"id\":\"short-0123456789\",\"key\":\"\"}", KD_E_REQUEST,
	"key: needs 1 to 64 bytes, has 0"},
    {"{\"id\":\"123456789012345\"}", KD_E_REQUEST, "id: needs 16 to 64 bytes, has 15"},
    {"{\"id\":\"1234567890123456789012345678901234567890123456789012345678901234x\"}",
	KD_E_REQUEST, "id: needs 16 to 64 bytes, has 65"},
    {"{\"id\":\"build 0123456789\"}", KD_E_REQUEST,
	"id: only A-Z a-z 0-9 . _ - are allowed, has 'build 0123456789'"},
    {"{" ID ",\"id\":\"build-0123456789\"}", KD_E_REQUEST,
	"line 1 column 29: duplicate object key near '\"id\"'"},
    {"{" ID ",\"retry_of\":\"x\"}", KD_E_REQUEST,
	"retry_of: needs 16 to 64 bytes, has 1"},
    {"{" ID ",\"retry_of\":\"build/0123456789\"}", KD_E_REQUEST,
	"retry_of: only A-Z a-z 0-9 . _ - are allowed, has 'build/0123456789'"},
    {"{" ID ",\"retry_of\":\"build-0123456789\"}", KD_E_REQUEST,
	"retry_of: is the id itself; a retry needs an id of its own"},
    {"{" ID ",\"key\":\"a b\"}", KD_E_REQUEST,
	"key: only A-Z a-z 0-9 . _ - are allowed, has 'a b'"},
    {"{" ID ",\"key\":null}", KD_E_REQUEST, "key: needs a string, is null"},
    {"{" ID ",\"items\":{}}", KD_E_REQUEST, "items: needs an array, is an object"},
    {"{" ID ",\"items\":[]}", KD_E_REQUEST, "items: 0 elements, at least 1 needed"},
    {"{" ID ",\"items\":[7]}", KD_E_REQUEST,
	"items[0]: needs an object, is a whole number"},
    {"{" ID ",\"items\":[" ITEM "],\"itmes\":[]}", KD_E_REQUEST, "itmes: unknown member"},
    {"{" ID ",\"items\":[{}]}", KD_E_REQUEST, "items[0].kind: missing"},
    {"{" ID ",\"items\":[{\"kind\":\"PE\"}]}", KD_E_REQUEST,
	"items[0].kind: must be pe, catalog, cabinet, script, msi or module, is 'PE'"},
    {"{" ID ",\"items\":[{\"kind\":\"none\"}]}", KD_E_REQUEST,
	"items[0].kind: must be pe, catalog, cabinet, script, msi or module, is 'none'"},
    {"{" ID ",\"items\":[{\"kind\":\"pe\"}]}", KD_E_REQUEST, "items[0].name: missing"},
    {"{" ID ",\"items\":[{\"kind\":\"pe\",\"name\":\"\"}]}", KD_E_REQUEST,
	"items[0].name: needs 1 to 255 bytes, has 0"},
    {"{" ID ",\"items\":[{\"kind\":\"pe\",\"name\":\"a/b.sys\"}]}", KD_E_REQUEST,
	"items[0].name: needs a name without folders, is 'a/b.sys'"},
    {"{" ID ",\"items\":[{\"kind\":\"pe\",\"name\":\"a\\nb\"}]}", KD_E_REQUEST,
	"items[0].name: has a control character: 'a\\x0ab'"},
    {"{" ID ",\"items\":[{\"kind\":\"pe\",\"name\":\"a\\u007f\"}]}", KD_E_REQUEST,
	"items[0].name: has a control character: 'a\\x7f'"},
    {"{" ID ",\"items\":[{\"kind\":\"pe\",\"name\":\"a\\u009b\"}]}", KD_E_REQUEST,
	"items[0].name: has a control character: 'a\\xc2\\x9b'"},
    {"{" ID ",\"items\":[{\"kind\":\"pe\",\"name\":\"a.sys\"}]}", KD_E_REQUEST,
	"items[0].size: missing"},
    {"{" ID ",\"items\":[{\"kind\":\"pe\",\"name\":\"a.sys\",\"size\":0}]}", KD_E_REQUEST,
	"items[0].size: must be 1 to 4294967295, is 0"},
    {"{" ID ",\"items\":[{\"kind\":\"pe\",\"name\":\"a.sys\",\"size\":4294967296}]}",
	KD_E_REQUEST, "items[0].size: must be 1 to 4294967295, is 4294967296"},
    {"{" ID ",\"items\":[{\"kind\":\"pe\",\"name\":\"a.sys\",\"size\":1e3}]}",
	KD_E_REQUEST,
	"items[0].size: needs a whole number, is a number with fraction or exponent"},
    {"{" ID ",\"items\":[{" ITEM_BEFORE "\"digest\":\"" HEX64 "\"}]}", KD_E_REQUEST,
	"items[0].digest_algorithm: missing"},
    {"{" ID ",\"items\":[{" ITEM_BEFORE "\"digest_algorithm\":\"sha256\"}]}",
	KD_E_REQUEST, "items[0].digest: missing"},
    {"{" ID ",\"items\":[{" ITEM_BEFORE "\"digest_algorithm\":\"md5\",\"digest\":\"" HEX64
     "\"}]}",
	KD_E_REQUEST,
	"items[0].digest_algorithm: must be sha1, sha256, sha384 or sha512, is 'md5'"},
    {"{" ID ",\"items\":[{" ITEM_BEFORE
     "\"digest_algorithm\":\"SHA256\",\"digest\":\"" HEX64 "\"}]}",
	KD_E_REQUEST,
	"items[0].digest_algorithm: must be sha1, sha256, sha384 or sha512, is 'SHA256'"},
    {"{" ID ",\"items\":[" ITEM ",{" ITEM_BEFORE
     "\"digest_algorithm\":\"sha256\",\"digest\":\"0123456789ab\"}]}",
	KD_E_REQUEST, "items[1].digest: needs 64 hex digits for sha256, has 12"},
    {"{" ID ",\"items\":[{" ITEM_BEFORE
     "\"digest_algorithm\":\"sha1\",\"digest\":\"" HEX64 "\"}]}",
	KD_E_REQUEST, "items[0].digest: needs 40 hex digits for sha1, has 64"},
    {"{" ID ",\"items\":[{" ITEM_BEFORE
     "\"digest_algorithm\":\"sha1\",\"digest\":\"0123456789 "
     "bcdef01234567890123456789abcde\"}]}",
	KD_E_REQUEST, "items[0].digest: has ' ' at place 11, which is no hex digit"},
    {WITH(",\"description\":\"\""), KD_E_REQUEST,
	"items[0].description: needs 1 to 256 bytes, has 0"},
    {WITH(",\"description\":\"a\\tb\""), KD_E_REQUEST,
	"items[0].description: has a control character: 'a\\x09b'"},
    {WITH(",\"url\":\"ftp://example.com\""), KD_E_REQUEST,
	"items[0].url: needs to start with http:// or https://, is 'ftp://example.com'"},
    {WITH(",\"url\":\"http:/example.com\""), KD_E_REQUEST,
	"items[0].url: needs to start with http:// or https://, is 'http:/example.com'"},
    {WITH(",\"url\":\"http://\""), KD_E_REQUEST,
	"items[0].url: names no host, is 'http://'"},
    {WITH(",\"url\":\"http://a b\""), KD_E_REQUEST,
	"items[0].url: needs printable ASCII without blanks, is 'http://a b'"},
    {WITH(",\"url\":\"http://\\u00e4\""), KD_E_REQUEST,
	"items[0].url: needs printable ASCII without blanks, is 'http://\xc3\xa4'"},
    {WITH(",\"sign\":true"), KD_E_REQUEST, "items[0].sign: unknown member"},
    {WITH(",\"sequence\":0"), KD_E_REQUEST, "items[0].sequence: must be 1 to 100, is 0"},
    {WITH(",\"sequence\":101"), KD_E_REQUEST,
	"items[0].sequence: must be 1 to 100, is 101"},
    {WITH(",\"sequence\":\"1\""), KD_E_REQUEST,
	"items[0].sequence: needs a whole number, is a string"},
    {WITH(",\"page_hashes\":\"\""), KD_E_REQUEST, "items[0].page_hashes: is empty"},
    {WITH(",\"page_hashes\":\"AAA\""), KD_E_REQUEST,
	"items[0].page_hashes: base64 of 3 characters: not a multiple of 4"},
    {WITH(",\"page_hashes\":\"AA-_\""), KD_E_REQUEST,
	"items[0].page_hashes: not base64 (RFC 4648 section 4)"},
    {WITH(",\"page_hashes\":[]"), KD_E_REQUEST,
	"items[0].page_hashes: needs a string, is an array"},
    {WITH(",\"ctl\":\"MAIFAA==\""), KD_E_REQUEST,
	"items[0].ctl: is for kind 'catalog' only"},
    {CATALOG(""), KD_E_REQUEST, "items[0].ctl: missing, though the kind is 'catalog'"},
    {CATALOG(",\"ctl\":\"MAIFAA=\""), KD_E_REQUEST,
	"items[0].ctl: base64 of 7 characters: not a multiple of 4"},
    {CATALOG(",\"ctl\":null"), KD_E_REQUEST, "items[0].ctl: needs a string, is null"},
    {CATALOG(",\"ctl\":\"MAIFAA==\",\"page_hashes\":\"AAAA\""), KD_E_REQUEST,
	"items[0].page_hashes: is for kind 'pe' only"},
    {OF_KIND("cabinet", ",\"page_hashes\":\"AAAA\""), KD_E_REQUEST,
	"items[0].page_hashes: is for kind 'pe' only"},
    {OF_KIND("script", ",\"ctl\":\"MAIFAA==\""), KD_E_REQUEST,
	"items[0].ctl: is for kind 'catalog' only"},
    {OF_KIND("module", ",\"page_hashes\":\"AAAA\""), KD_E_REQUEST,
	"items[0].page_hashes: is for kind 'pe' only"},
    {OF_KIND("module", ",\"description\":\"d\""), KD_E_REQUEST,
	"items[0].description: cannot be said in the signature of a kernel module"},
    {OF_KIND("module", ",\"url\":\"http://u\""), KD_E_REQUEST,
	"items[0].url: cannot be said in the signature of a kernel module"},
    {OF_KIND("module", ",\"sequence\":1"), KD_E_REQUEST,
	"items[0].sequence: cannot be said in the signature of a kernel module"},
};

static void
each_wrong_request_is_refused_by_name(void **state)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(refusals); i++) {
		struct api_sign_request r = {.items_n = 7};
		struct kd_err e = {0};

		check_refusal(decode(refusals[i].text, &r, &e), &e, refusals[i].code,
		    refusals[i].msg);
		assert_int_equal(r.items_n, 7);
	}
}

/* One byte more than each limit on text, and the limit itself. */
static void
longest_texts(void **state)
{
	static const struct {
		const char *member, *prefix;
		size_t max;
	} cases[] = {
	    {"description", "", API_DESCRIPTION_MAX},
	    {"url", "http://", API_URL_MAX},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		for (size_t over = 0; over < 2; over++) {
			AUTO(api_sign_request_clear) struct api_sign_request r = {0};
			AUTO(buf_clear) struct buf b = {0};
			struct kd_err e = {0};
			char want[128];

			buf_printf(&b,
			    "{" ID ",\"items\":[{" ITEM_BEFORE ITEM_DIGEST ",\"%s\":\"%s",
			    cases[i].member, cases[i].prefix);
			for (size_t n = strlen(cases[i].prefix); n < cases[i].max + over;
			     n++)
				buf_u8(&b, 'x');
			buf_str(&b, "\"}]}");
			if (over == 0) {
				check_done(decode(buf_cstr(&b), &r, &e), &e);
				continue;
			}
			(void)snprintf(want, sizeof(want),
			    "items[0].%s: needs 1 to %zu bytes, has %zu", cases[i].member,
			    cases[i].max, cases[i].max + 1);
			check_refusal(
			    decode(buf_cstr(&b), &r, &e), &e, KD_E_REQUEST, want);
		}
	}
}

static void
make_request(struct buf *b, size_t items)
{
	buf_str(b, "{" ID ",\"items\":[");
	for (size_t i = 0; i < items; i++)
		buf_str(b, i == 0 ? ITEM : "," ITEM);
	buf_str(b, "]}");
}

static void
thousand_items_and_one_more(void **state)
{
	AUTO(api_sign_request_clear) struct api_sign_request r = {0}, none = {0};
	AUTO(buf_clear) struct buf fits = {0}, over = {0};
	struct kd_err e = {0};

	make_request(&fits, API_ITEMS_MAX);
	make_request(&over, API_ITEMS_MAX + 1);
	check_done(decode(buf_cstr(&fits), &r, &e), &e);
	assert_int_equal(r.items_n, 1000);
	check_refusal(decode(buf_cstr(&over), &none, &e), &e, KD_E_TOO_LARGE,
	    "items: 1001 elements, at most 1000 allowed");
}

/* Items of kind catalog, each with a ctl of that many characters of base64. */
static void
make_catalogs(struct buf *b, size_t items, size_t chars)
{
	uint8_t *at;

	buf_str(b, "{" ID ",\"items\":[");
	for (size_t i = 0; i < items; i++) {
		buf_str(b, i == 0 ? "" : ",");
		buf_str(b, "{" CATALOG_BEFORE ITEM_DIGEST ",\"ctl\":\"");
		at = buf_reserve(b, chars);
		assert_non_null(at);
		memset(at, 'A', chars);
		buf_str(b, "\"}");
	}
	buf_str(b, "]}");
}

#define QUARTER_BLOB (API_BLOB_MAX / 4 / 3 * 4) /* characters; a little less in bytes */

static void
large_members_have_limits_one_by_one_and_together(void **state)
{
	static const struct {
		size_t items, chars;
		const char *msg; /* NULL: fits */
	} cases[] = {
	    {1, 22369620, NULL},
	    {1, 22369624, "items[0].ctl: more than 16777216 bytes"},
	    {1, 22369628,
		"items[0].ctl: 22369628 characters, at most 22369624 allowed"},
	    {5, QUARTER_BLOB, NULL},
	    {6, QUARTER_BLOB,
		"items[5].ctl: makes 25165818 bytes of catalogs and page hashes, at most "
		"20971520 allowed in one request"},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(api_sign_request_clear) struct api_sign_request r = {0};
		AUTO(buf_clear) struct buf b = {0};
		struct kd_err e = {0};

		make_catalogs(&b, cases[i].items, cases[i].chars);
		if (cases[i].msg == NULL)
			check_done(decode(buf_cstr(&b), &r, &e), &e);
		else
			check_refusal(decode(buf_cstr(&b), &r, &e), &e, KD_E_TOO_LARGE,
			    cases[i].msg);
	}
}

static bool
decode_small(struct kd_err *e)
{
	static const char text[] = WITH(",\"description\":\"d\",\"url\":\"http://u\""
					",\"page_hashes\":\"AAAA\"");
	AUTO(api_sign_request_clear) struct api_sign_request r = {0};

	return decode(text, &r, e);
}

static void
any_allocation_may_fail(void **state)
{
	check_every_allocation(decode_small);
}

static void
names_and_kinds(void **state)
{
	assert_true(api_id_ok("0123456789abcdef"));
	assert_false(api_id_ok("0123456789abcde"));
	assert_false(api_id_ok("0123456789abcde/"));
	assert_false(api_id_ok(
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0"));
	assert_true(api_key_name_ok("a"));
	assert_false(api_key_name_ok(""));
	assert_false(api_key_name_ok("a b"));
	assert_string_equal(api_kind_name(api_kind_by_name("pe")), "pe");
	assert_int_equal(api_kind_by_name("catalog"), API_KIND_CATALOG);
	assert_string_equal(api_kind_name(API_KIND_CATALOG), "catalog");
	for (enum api_kind k = API_KIND_PE; k < API_KINDS_N; k++) {
		assert_int_equal(api_kind_by_name(api_kind_name(k)), k);
		assert_non_null(strstr(API_KIND_NAMES, api_kind_name(k)));
	}
	assert_int_equal(api_kind_by_name("none"), API_KIND_NONE);
	assert_string_equal(api_kind_name(API_KIND_NONE), "none");
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(smallest_request),
	    cmocka_unit_test(each_kind_is_read),
	    cmocka_unit_test(catalog_page_hashes_and_sequence),
	    cmocka_unit_test(everything_said_comes_back_in_canonical_form),
	    cmocka_unit_test(each_algorithm_has_its_length),
	    cmocka_unit_test(each_wrong_request_is_refused_by_name),
	    cmocka_unit_test(longest_texts),
	    cmocka_unit_test(thousand_items_and_one_more),
	    cmocka_unit_test(large_members_have_limits_one_by_one_and_together),
	    cmocka_unit_test(any_allocation_may_fail),
	    cmocka_unit_test(names_and_kinds),
	};
	return cmocka_run_group_tests_name("api_request", t, NULL, NULL);
}
