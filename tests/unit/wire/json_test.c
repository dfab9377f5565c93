/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/wire/json_test.c - what is refused while reading, byte for byte what is
 * written. */
#include "wire/json.h"

#include "tests/unit/wire/check.h"

static bool
parse(const char *text, size_t n, struct kd_err *e)
{
	AUTO(json_free) struct json *j = NULL;

	return json_parse(text, n, &j, e);
}

static void
malformed_text_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *text, *msg;
	} cases[] = {
	    {"", "line 1 column 1: the text is empty"},
	    {" \n ", "line 2 column 1: '[' or '{' expected near end of file"},
	    {"x", "line 1 column 1: '[' or '{' expected near 'x'"},
	    {"\x1b", "line 1 column 1: '[' or '{' expected near '\\x1b'"},
	    {"1", "line 1 column 1: '[' or '{' expected near '1'"},
	    {"{\n \"a\":}", "line 2 column 6: unexpected token near '}'"},
	    {"{\"a\" 1}", "line 1 column 6: ':' expected near '1'"},
	    {"{\"a\":1 2}", "line 1 column 8: '}' expected near '2'"},
	    {"[1 2]", "line 1 column 4: ']' expected near '2'"},
	    {"[1", "line 1 column 2: ']' expected near end of file"},
	    {"[1,]", "line 1 column 4: unexpected token near ']'"},
	    {"[,1]", "line 1 column 2: unexpected token near ','"},
	    {"[1}", "line 1 column 3: ']' expected near '}'"},
	    {"{}{}", "line 1 column 3: end of file expected near '{'"},
	    {"{\"a\":1,\"a\":1}", "line 1 column 10: duplicate object key near '\"a\"'"},
	    {"{\"a\":1,\"\\u0061\":1}",
		"line 1 column 15: duplicate object key near '\"\\u0061\"'"},
	    {"{'a':1}", "line 1 column 2: string or '}' expected near '''"},
	    {"{\"a\":1,}", "line 1 column 8: string or '}' expected near '}'"},
	    {"{", "line 1 column 1: string or '}' expected near end of file"},
	    {"[\"\\u0000\"]", "line 1 column 9: \\u0000 is not allowed without "
			      "JSON_ALLOW_NUL near '\"\\u0000\"'"},
	    {"[\"\\ud800\"]",
		"line 1 column 9: invalid Unicode '\\uD800' near '\"\\ud800\"'"},
	    {"[\"\\ud800\\u0041\"]", "line 1 column 15: invalid Unicode '\\uD800\\u0041' "
				     "near '\"\\ud800\\u0041\"'"},
	    {"[\"\\udc00\"]",
		"line 1 column 9: invalid Unicode '\\uDC00' near '\"\\udc00\"'"},
	    {"[\"\\u00g0\"]", "line 1 column 7: invalid escape near '\"\\u00g'"},
	    {"[\"\\u00", "line 1 column 6: invalid escape near '\"\\u00'"},
	    {"[\"\\x\"]", "line 1 column 4: invalid escape near '\"\\x'"},
	    {"[\"\\", "line 1 column 3: invalid escape near '\"\\'"},
	    {"[\"a", "line 1 column 3: premature end of input near '\"a'"},
	    {"[\"\xff\"]", "line 1 column 2: unable to decode byte 0xff near '\"'"},
	    {"[\"\xc0\x80\"]", "line 1 column 2: unable to decode byte 0xc0 near '\"'"},
	    {"[\"\xed\xa0\x80\"]",
		"line 1 column 2: unable to decode byte 0xed near '\"'"},
	    {"[\"\n\"]", "line 1 column 2: unexpected newline near '\"'"},
	    {"[01]", "line 1 column 2: invalid token near '0'"},
	    {"[-]", "line 1 column 2: invalid token near '-'"},
	    {"[1.]", "line 1 column 3: invalid token near '1.'"},
	    {"[1e+]", "line 1 column 4: invalid token near '1e+'"},
	    {"[+1]", "line 1 column 2: invalid token near '+'"},
	    {"[.5]", "line 1 column 2: invalid token near '.'"},
	    {"[9223372036854775808]",
		"line 1 column 20: too big integer near '9223372036854775808'"},
	    {"[-9223372036854775809]",
		"line 1 column 21: too big negative integer near '-9223372036854775809'"},
	    {"[NaN]", "line 1 column 4: invalid token near 'NaN'"},
	    {"[tru", "line 1 column 4: invalid token near 'tru'"},
	    {"[True]", "line 1 column 5: invalid token near 'True'"},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_err e = {0};

		check_refusal(parse(cases[i].text, strlen(cases[i].text), &e), &e,
		    KD_E_REQUEST, cases[i].msg);
	}
}

static void
nul_in_the_text_is_refused(void **state)
{
	struct kd_err e = {0}, number = {0}, string = {0};

	check_refusal(parse("[\n\"\xc3\xa4\0\"]", 8, &string), &string, KD_E_REQUEST,
	    "line 2 column 3: a NUL byte");
	check_refusal(parse("[41\0]", 5, &number), &number, KD_E_REQUEST,
	    "line 1 column 4: a NUL byte");
	check_refusal(
	    parse("{}\0", 3, &e), &e, KD_E_REQUEST, "line 1 column 3: a NUL byte");
}

static void
depth_is_bounded_before_parsing(void **state)
{
	struct kd_err ok = {0}, e = {0};

	check_done(parse("[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", 32, &ok), &ok);
	check_refusal(parse("[[[[[[[[[[[[[[[[[", 17, &e), &e, KD_E_REQUEST,
	    "line 1 column 17: nested more than 16 deep");
}

static void
brackets_in_strings_are_not_depth(void **state)
{
	static const char text[] =
	    "[\"[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[\\\\\",\"{{{{{{{{{{{{{{{{{{{{\"]";
	struct kd_err e = {0};

	check_done(parse(text, sizeof(text) - 1, &e), &e);
}

static void
number_of_values_is_bounded(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0}, why = {0};

	buf_u8(&b, '[');
	for (int i = 0; i < JSON_VALUES_MAX - 1; i++)
		buf_str(&b, i == 0 ? "0" : ",0");
	buf_u8(&b, ']');
	assert_true(buf_ok(&b, "text", &e));
	check_done(parse((const char *)b.p, b.len, &e), &e);
	b.p[b.len - 1] = ',';
	buf_str(&b, "0]");
	assert_true(buf_ok(&b, "text", &why));
	check_refusal(parse((const char *)b.p, b.len, &why), &why, KD_E_TOO_LARGE,
	    "more than 65536 JSON values");
}

static void
length_is_bounded(void **state)
{
	struct kd_err e = {0};

	/* not a byte of it is looked at */
	check_refusal(parse("", JSON_LEN_MAX + 1, &e), &e, KD_E_TOO_LARGE,
	    "67108865 bytes of JSON, at most 67108864 allowed");
}

/* Each reads one document in its own way; the table below says what it should say. */
static bool
read_flat(struct jo *o)
{
	(void)jo_str(o, "s", 2, 4);
	(void)jo_uint(o, "u", 1, 10);
	(void)jo_bool(o, "b");
	return jo_end(o);
}

static bool
read_exact(struct jo *o)
{
	(void)jo_str(o, "s", 3, 3);
	return jo_end(o);
}

static bool
read_optional(struct jo *o)
{
	const char *s = jo_str_opt(o, "s", 4);
	uint64_t u = jo_uint_opt(o, "u", 10, 7);
	bool b = jo_bool_opt(o, "b", true);

	if (!jo_end(o))
		return false;
	return (s == NULL) == !jo_has(o, "s") && (jo_has(o, "u") || u == 7) &&
	       (jo_has(o, "b") || b);
}

static bool
read_nested(struct jo *o)
{
	struct jo sub = jo_obj(o, "sub");
	struct ja items = jo_arr(o, "items", 1, 2);
	struct ja words = jo_arr_opt(o, "words", 2);

	(void)jo_uint(&sub, "u", 0, 1);
	if (!jo_end(&sub))
		return false;
	for (size_t i = 0; i < items.n; i++) {
		struct jo item = ja_obj(&items, i);

		(void)jo_str(&item, "digest", 1, 9);
		if (!jo_end(&item))
			return false;
	}
	for (size_t i = 0; i < words.n; i++)
		(void)ja_str(&words, i, 3);
	return jo_end(o);
}

static bool
read_tolerant(struct jo *o)
{
	(void)jo_str(o, "s", 2, 4);
	jo_ignore_rest(o);
	return jo_end(o);
}

static bool
read_own_rule(struct jo *o)
{
	struct ja a = jo_arr(o, "items", 1, 9);
	struct jo item = ja_obj(&a, 0);

	return jo_bad(&item, "digest", "needs %d hex digits, has %d", 64, 12);
}

static void
members_are_read_strictly(void **state)
{
	static const struct {
		bool (*read)(struct jo *o);
		const char *text, *msg; /* NULL: fine */
	} cases[] = {
	    {read_flat, "{\"s\":\"ab\",\"u\":1,\"b\":true}", NULL},
	    {read_flat, "{\"b\":false,\"u\":10,\"s\":\"abcd\"}", NULL},
	    {read_flat, "[]", "the document: needs an object, is an array"},
	    {read_flat, "{}", "s: missing"},
	    {read_flat, "{\"s\":\"ab\",\"b\":true}", "u: missing"},
	    {read_flat, "{\"s\":\"ab\",\"u\":1}", "b: missing"},
	    {read_flat, "{\"s\":1}", "s: needs a string, is a whole number"},
	    {read_flat, "{\"s\":null}", "s: needs a string, is null"},
	    {read_flat, "{\"s\":{}}", "s: needs a string, is an object"},
	    {read_flat, "{\"s\":[]}", "s: needs a string, is an array"},
	    {read_flat, "{\"s\":true}", "s: needs a string, is a boolean"},
	    {read_flat, "{\"s\":\"a\"}", "s: needs 2 to 4 bytes, has 1"},
	    {read_flat, "{\"s\":\"\\u00e4\\u00e4\\u00e4\"}",
		"s: needs 2 to 4 bytes, has 6"},
	    {read_flat, "{\"s\":\"ab\",\"u\":0}", "u: must be 1 to 10, is 0"},
	    {read_flat, "{\"s\":\"ab\",\"u\":-1}", "u: must be 1 to 10, is -1"},
	    {read_flat, "{\"s\":\"ab\",\"u\":11}", "u: must be 1 to 10, is 11"},
	    {read_flat, "{\"s\":\"ab\",\"u\":\"1\"}",
		"u: needs a whole number, is a string"},
	    {read_flat, "{\"s\":\"ab\",\"u\":1.0}",
		"u: needs a whole number, is a number with fraction or exponent"},
	    {read_flat, "{\"s\":\"ab\",\"u\":1,\"b\":1}",
		"b: needs true or false, is a whole number"},
	    {read_flat, "{\"s\":\"ab\",\"u\":1,\"b\":true,\"x\":1}", "x: unknown member"},
	    {read_flat, "{\"\\n\":1,\"s\":\"ab\",\"u\":1,\"b\":true}",
		"\\x0a: unknown member"},
	    {read_exact, "{\"s\":\"abc\"}", NULL},
	    {read_exact, "{\"s\":\"ab\"}", "s: needs 3 bytes, has 2"},
	    {read_optional, "{}", NULL},
	    {read_optional, "{\"s\":\"a\",\"u\":0,\"b\":false}", NULL},
	    {read_optional, "{\"s\":\"\"}", "s: needs 1 to 4 bytes, has 0"},
	    {read_optional, "{\"s\":null}", "s: needs a string, is null"},
	    {read_optional, "{\"u\":11}", "u: must be 0 to 10, is 11"},
	    {read_optional, "{\"b\":0}", "b: needs true or false, is a whole number"},
	    {read_nested, "{\"sub\":{\"u\":1},\"items\":[{\"digest\":\"a\"}]}", NULL},
	    {read_nested,
		"{\"sub\":{\"u\":1},\"items\":[{\"digest\":\"a\"}],\"words\":[\"a\"]}",
		NULL},
	    {read_nested, "{\"sub\":1}", "sub: needs an object, is a whole number"},
	    {read_nested, "{\"sub\":{}}", "items: missing"},
	    {read_nested, "{\"sub\":{},\"items\":[{}]}", "sub.u: missing"},
	    {read_nested, "{\"sub\":{\"u\":1,\"v\":1},\"items\":[{}]}",
		"sub.v: unknown member"},
	    {read_nested, "{\"sub\":{\"u\":1},\"items\":{}}",
		"items: needs an array, is an object"},
	    {read_nested, "{\"sub\":{\"u\":1},\"items\":[]}",
		"items: needs 1 to 2 elements, has 0"},
	    {read_nested, "{\"sub\":{\"u\":1},\"items\":[1,2,3]}",
		"items: needs 1 to 2 elements, has 3"},
	    {read_nested, "{\"sub\":{\"u\":1},\"items\":[{\"digest\":\"a\"},7]}",
		"items[1]: needs an object, is a whole number"},
	    {read_nested,
		"{\"sub\":{\"u\":1},\"items\":[{\"digest\":\"a\"},{\"digest\":2}]}",
		"items[1].digest: needs a string, is a whole number"},
	    {read_nested, "{\"sub\":{\"u\":1},\"items\":[{\"digest\":\"a\",\"y\":0}]}",
		"items[0].y: unknown member"},
	    {read_nested,
		"{\"sub\":{\"u\":1},\"items\":[{\"digest\":\"a\"}],\"words\":[\"a\",1]}",
		"words[1]: needs a string, is a whole number"},
	    {read_nested,
		"{\"sub\":{\"u\":1},\"items\":[{\"digest\":\"a\"}],\"words\":[\"abcd\"]}",
		"words[0]: needs 1 to 3 bytes, has 4"},
	    {read_tolerant, "{\"new\":[],\"s\":\"ab\",\"newer\":{}}", NULL},
	    {read_tolerant, "{\"new\":[],\"s\":\"a\"}", "s: needs 2 to 4 bytes, has 1"},
	    {read_own_rule, "{\"items\":[{}]}",
		"items[0].digest: needs 64 hex digits, has 12"},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(json_free) struct json *j = NULL;
		struct kd_err e = {0};
		struct jo o;

		check_done(json_parse(cases[i].text, strlen(cases[i].text), &j, &e), &e);
		o = jo_top(j, &e);
		if (cases[i].msg == NULL)
			check_done(cases[i].read(&o), &e);
		else
			check_refusal(cases[i].read(&o), &e, KD_E_REQUEST, cases[i].msg);
	}
}

static void
more_members_than_can_be_counted(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	AUTO(json_free) struct json *j = NULL;
	struct kd_err e = {0};
	char name[8];
	struct jo o;

	jw_open(&b);
	for (unsigned i = 0; i <= JSON_MEMBERS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "m%u", i);
		jw_uint(&b, name, i);
	}
	jw_close(&b);
	check_done(json_parse((const char *)b.p, b.len, &j, &e), &e);
	o = jo_top(j, &e);
	check_refusal(
	    jo_end(&o), &e, KD_E_REQUEST, "the document: 65 members, at most 64 allowed");
}

static void
every_kind_of_value_is_taken(void **state)
{
	static const char *const texts[] = {"{}", "[]", " [ ] ", "[true,false,null]",
	    "[0,-0,-1,9223372036854775807,-9223372036854775808]",
	    "[1.5,-0.5e-3,1E+2,2e1]", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
	    "[{\"a\":{\"a\":[[],{}]}},{\"a\":1}]", "{\"\":\"\"}"};

	for (size_t i = 0; i < KD_ARRAY_LEN(texts); i++) {
		struct kd_err e = {0};

		check_done(parse(texts[i], strlen(texts[i]), &e), &e);
	}
}

static void
escapes_are_decoded(void **state)
{
	static const char text[] = "{\"a\":[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\","
				   "\"\\u0041\\u00e4\\u20AC\\ud83d\\ude00\"]}";
	AUTO(json_free) struct json *j = NULL;
	struct kd_err e = {0};
	struct jo o;
	struct ja a;

	check_done(json_parse(text, sizeof(text) - 1, &j, &e), &e);
	o = jo_top(j, &e);
	a = jo_arr(&o, "a", 2, 2);
	assert_string_equal(ja_str(&a, 0, 99), "\"\\/\b\f\n\r\t");
	assert_string_equal(ja_str(&a, 1, 99), "A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_string_equal(ja_str(&a, 0, 99), "\"\\/\b\f\n\r\t"); /* and back again */
}

static void
values_are_read(void **state)
{
	static const char text[] =
	    "{\"s\":\"\\u00e4\\/\",\"u\":9007199254740993,\"a\":[\"x\",\"y\"]}";
	AUTO(json_free) struct json *j = NULL;
	struct kd_err e = {0};
	struct jo o;
	struct ja a;

	check_done(json_parse(text, sizeof(text) - 1, &j, &e), &e);
	o = jo_top(j, &e);
	assert_string_equal(jo_str(&o, "s", 0, 9), "\xc3\xa4/");
	assert_true(jo_uint(&o, "u", 0, UINT64_MAX) == 9007199254740993);
	a = jo_arr(&o, "a", 0, 9);
	assert_int_equal(a.n, 2);
	assert_string_equal(ja_str(&a, 1, 9), "y");
	assert_string_equal(ja_str(&a, 2, 9), "");
	assert_null(ja_obj(&a, 2).obj);
	check_done(jo_end(&o), &e);
}

static void
expect_text(struct buf *b, const char *want)
{
	assert_string_equal(buf_cstr(b), want);
}

static void
written_without_blanks_in_order(void **state)
{
	AUTO(buf_clear) struct buf b = {0};

	jw_open(&b);
	jw_str(&b, "s", "[{:,");
	jw_uint(&b, "zero", 0);
	jw_uint(&b, "max", UINT64_MAX);
	jw_open_member(&b, "o");
	jw_close(&b);
	jw_arr_open(&b, "a");
	jw_uint(&b, NULL, 1);
	jw_str(&b, NULL, "{");
	jw_open(&b);
	jw_bool(&b, "t", true);
	jw_bool(&b, "f", false);
	jw_close(&b);
	jw_arr_open(&b, NULL);
	jw_arr_close(&b);
	jw_null(&b, NULL);
	jw_arr_close(&b);
	jw_hex(&b, "h", "\x01\xfe", 2);
	jw_base64(&b, "b", "\xff\xfe\xfd\xfc", 4);
	jw_strn(&b, "n", "abcdef", 3);
	jw_close(&b);
	expect_text(&b,
	    "{\"s\":\"[{:,\",\"zero\":0,\"max\":18446744073709551615,\"o\":{},"
	    "\"a\":[1,\"{\",{\"t\":true,\"f\":false},[],null],\"h\":\"01fe\","
	    "\"b\":\"//79/A==\",\"n\":\"abc\"}");
}

static void
documents_are_lines(void **state)
{
	AUTO(buf_clear) struct buf b = {0};

	for (int i = 0; i < 2; i++) {
		jw_open(&b);
		jw_bool(&b, "t", true);
		jw_close(&b);
		buf_u8(&b, '\n');
	}
	expect_text(&b, "{\"t\":true}\n{\"t\":true}\n");
}

static void
strings_are_escaped(void **state)
{
	static const struct {
		const char *s, *want;
	} cases[] = {
	    {"", "\"\""}, {"plain", "\"plain\""}, {"\"\\/", "\"\\\"\\\\/\""},
	    {"\b\t\n\f\r", "\"\\b\\t\\n\\f\\r\""},
	    {"\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\""},
	    {"a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z",
		"\"a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z\""},
	    {"a\xff"
	     "b",
		"\"a\\ufffdb\""},
	    {"\xc3", "\"\\ufffd\""},                       /* cut */
	    {"\xc3(", "\"\\ufffd(\""},                     /* no continuation */
	    {"\xc0\x80", "\"\\ufffd\\ufffd\""},            /* overlong */
	    {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""}, /* surrogate */
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf b = {0};

		jw_str(&b, NULL, cases[i].s);
		expect_text(&b, cases[i].want);
	}
}

static void
nul_in_a_counted_string_is_escaped(void **state)
{
	AUTO(buf_clear) struct buf b = {0};

	jw_strn(&b, NULL, "a\0b", 3);
	expect_text(&b, "\"a\\u0000b\"");
}

static bool
parse_something(struct kd_err *e)
{
	static const char text[] = "{\"id\":\"longer than jansson's first buffer\","
				   "\"items\":[{\"size\":1.5,\"name\":\"x\"},true]}";
	AUTO(json_free) struct json *j = NULL;

	return json_parse(text, sizeof(text) - 1, &j, e);
}

static bool
write_something(struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};

	jw_open(&b);
	for (int i = 0; i < 1000; i++)
		jw_str(&b, "member", "value\n");
	jw_close(&b);
	return buf_ok(&b, "text", e);
}

static void
any_allocation_may_fail(void **state)
{
	check_every_allocation(parse_something);
	check_every_allocation(write_something);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(malformed_text_is_refused_with_its_place),
	    cmocka_unit_test(nul_in_the_text_is_refused),
	    cmocka_unit_test(depth_is_bounded_before_parsing),
	    cmocka_unit_test(brackets_in_strings_are_not_depth),
	    cmocka_unit_test(number_of_values_is_bounded),
	    cmocka_unit_test(length_is_bounded),
	    cmocka_unit_test(members_are_read_strictly),
	    cmocka_unit_test(more_members_than_can_be_counted),
	    cmocka_unit_test(every_kind_of_value_is_taken),
	    cmocka_unit_test(escapes_are_decoded),
	    cmocka_unit_test(values_are_read),
	    cmocka_unit_test(written_without_blanks_in_order),
	    cmocka_unit_test(documents_are_lines),
	    cmocka_unit_test(strings_are_escaped),
	    cmocka_unit_test(nul_in_a_counted_string_is_escaped),
	    cmocka_unit_test(any_allocation_may_fail),
	};
	return cmocka_run_group_tests_name("json", t, NULL, NULL);
}
