/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/wire/openapi_test.c - docs/openapi.yaml, docs/PROTOCOL.md and the encoders
 * say what the tables in wire/api_schema.c say, no less and no more.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/file.h"
#include "tests/unit/wire/check.h"
#include "tests/unit/wire/yaml.h"
#include "wire/api.h"
#include "wire/api_schema.h"

#define SCHEMAS "components schemas"
#define REF "#/components/schemas/"

static struct yaml yaml;

static const char *
source_dir(void)
{
	const char *dir = getenv("srcdir");

	return dir == NULL ? "." : dir;
}

static int
read_description(void **state)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/docs/openapi.yaml", source_dir());
	yaml_read(path, &yaml);
	return 0;
}

static int
forget_description(void **state)
{
	yaml_clear(&yaml);
	return 0;
}

/* at and key are what the yaml must say; the message says where it does not. */
static void
check_says(const char *at, const char *key, const char *want)
{
	const char *is = yaml_get(&yaml, "%s %s", at, key);

	if (is == NULL || strcmp(is, want) != 0)
		fail_msg("'%s %s' is '%s', the code says '%s'", at, key,
		    is == NULL ? "(absent)" : is, want);
}

static void
check_number(const char *at, const char *key, uint64_t want)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRIu64, want);
	check_says(at, key, text);
}

static void
check_ref(const char *at, const char *name)
{
	char text[100];

	(void)snprintf(text, sizeof(text), REF "%s", name);
	check_says(at, "$ref", text);
}

static void
check_enum(const char *at, const char *const *words)
{
	char list[300];
	size_t n = 0;

	(void)snprintf(list, sizeof(list), "%s enum", at);
	for (; words != NULL && words[n] != NULL; n++)
		if (!yaml_list_has(&yaml, list, words[n]))
			fail_msg("'%s' lacks '%s'", list, words[n]);
	if (yaml_children(&yaml, list) != n)
		fail_msg("'%s' has %zu words, the code %zu", list,
		    yaml_children(&yaml, list), n);
}

static void
check_string(const char *at, const struct api_member *m)
{
	check_says(at, "type", "string");
	check_enum(at, m->one_of);
	if (m->one_of != NULL)
		return;
	check_number(at, "minLength", m->min);
	check_number(at, "maxLength", m->max);
}

static void
check_array(const char *at, const struct api_member *m)
{
	char items[320];

	(void)snprintf(items, sizeof(items), "%s items", at);
	check_says(at, "type", "array");
	check_number(at, "minItems", m->min);
	check_number(at, "maxItems", m->max);
	if (m->of != NULL) {
		check_ref(items, m->of->name);
		return;
	}
	check_says(items, "type", "string");
	check_enum(items, m->one_of);
}

static void
check_member(const char *object, const struct api_member *m)
{
	char at[300];

	(void)snprintf(at, sizeof(at), SCHEMAS " %s properties %s", object, m->name);
	switch (m->type) {
	case API_STRING:
		check_string(at, m);
		break;
	case API_CODE:
		check_ref(at, "Code");
		break;
	case API_INTEGER:
		check_says(at, "type", "integer");
		check_number(at, "minimum", m->min);
		check_number(at, "maximum", m->max);
		break;
	case API_BOOLEAN:
		check_says(at, "type", "boolean");
		break;
	case API_OBJECT:
		check_ref(at, m->of->name);
		break;
	case API_ARRAY:
		check_array(at, m);
		break;
	}
}

static void
check_object(const struct api_object *o)
{
	char at[100], required[120], properties[120];
	size_t members = 0, needed = 0;

	(void)snprintf(at, sizeof(at), SCHEMAS " %s", o->name);
	(void)snprintf(required, sizeof(required), "%s required", at);
	(void)snprintf(properties, sizeof(properties), "%s properties", at);
	check_says(at, "type", "object");
	for (const struct api_member *m = o->members; m->name != NULL; m++) {
		members++;
		needed += !m->optional;
		check_member(o->name, m);
		if (yaml_list_has(&yaml, required, m->name) == m->optional)
			fail_msg("'%s %s': optional in one, required in the other", at,
			    m->name);
	}
	/* none more, now that all of the code's are there */
	assert_int_equal(yaml_children(&yaml, properties), members);
	assert_int_equal(yaml_children(&yaml, required), needed);
}

static void
every_object_has_the_same_members_and_limits(void **state)
{
	size_t n = 0;

	for (; api_objects[n] != NULL; n++)
		check_object(api_objects[n]);
	assert_int_equal(yaml_children(&yaml, SCHEMAS), n + 1); /* and Code */
}

/* Only what clients say is closed; answers may grow. */
static void
requests_are_closed_and_answers_open(void **state)
{
	for (size_t i = 0; api_objects[i] != NULL; i++) {
		const char *more = yaml_get(
		    &yaml, SCHEMAS " %s additionalProperties", api_objects[i]->name);
		bool asked = api_objects[i] == &api_sign_request_schema ||
			     api_objects[i] == &api_item_schema ||
			     api_objects[i] == &api_stamp_request_schema;

		assert_int_equal(more != NULL && strcmp(more, "false") == 0, asked);
	}
}

static void
every_code_and_its_status(void **state)
{
	size_t n = 0;

	for (; api_codes[n] != KD_OK; n++) {
		const struct kd_code_info *info = kd_code_info(api_codes[n]);

		if (!yaml_list_has(&yaml, SCHEMAS " Code enum", info->name))
			fail_msg("Code lacks '%s'", info->name);
		check_number(
		    SCHEMAS " Code x-http-status", info->name, (uint64_t)info->http);
		assert_true(
		    strlen(info->name) <= api_member(&api_problem_schema, "code")->max);
		assert_true(
		    strlen(info->title) <= api_member(&api_problem_schema, "title")->max);
		assert_int_equal(api_code_by_name(info->name), api_codes[n]);
	}
	assert_int_equal(yaml_children(&yaml, SCHEMAS " Code enum"), n);
	assert_int_equal(yaml_children(&yaml, SCHEMAS " Code x-http-status"), n);
	check_number(
	    SCHEMAS " Code", "maxLength", api_member(&api_problem_schema, "code")->max);
}

static void
operation_path(const struct api_route *r, char *dst, size_t n)
{
	(void)snprintf(dst, n, "paths %s %s", r->path,
	    strcmp(r->method, "GET") == 0 ? "get" : "post");
}

static void
check_route(const struct api_route *r)
{
	char operation[120], at[200];
	size_t n = 0;

	operation_path(r, operation, sizeof(operation));
	for (; r->statuses[n] != 0; n++) {
		(void)snprintf(at, sizeof(at), "%s responses %d content %s schema",
		    operation, r->statuses[n],
		    r->answer == NULL ? "text/plain" : "application/json");
		if (r->answer == NULL)
			check_says(at, "type", "string");
		else
			check_ref(at, r->answer->name);
	}
	(void)snprintf(at, sizeof(at), "%s responses", operation);
	assert_int_equal(yaml_children(&yaml, at), n + 1);
	check_says(at, "default $ref", "#/components/responses/Problem");
	(void)snprintf(
	    at, sizeof(at), "%s requestBody content application/json schema", operation);
	if (r->request == NULL)
		assert_null(yaml_get(&yaml, "%s requestBody", operation));
	else
		check_ref(at, r->request->name);
}

static void
every_route_with_its_messages_and_statuses(void **state)
{
	size_t n = 0;

	for (; api_routes[n].method != NULL; n++) {
		char path[120];

		check_route(&api_routes[n]);
		(void)snprintf(path, sizeof(path), "paths %s", api_routes[n].path);
		assert_int_equal(
		    yaml_children(&yaml, path), 1); /* no path has two methods */
	}
	assert_int_equal(yaml_children(&yaml, "paths"), n);
}

/* "{name}" and "{id}" as the front writes them. */
static void
front_pattern(const char *path, char *dst, size_t n)
{
	const char *hole = strchr(path, '{');

	(void)snprintf(dst, n, "%.*s%s",
	    (int)(hole == NULL ? strlen(path) : (size_t)(hole - path)), path,
	    hole == NULL ? "" : "{}");
}

/* The front's own table, read as text: its library is none of ours. Rows that only the
 * status socket answers are no part of the API. */
static void
front_serves_these_routes_and_no_other(void **state)
{
	AUTO(buf_clear) struct buf source = {0};
	struct kd_err e = {0};
	char path[4096], pattern[100], row[200];
	size_t rows = 0, n = 0;
	char *table, *line;

	(void)snprintf(path, sizeof(path), "%s/daemon/front/route.c", source_dir());
	check_done(file_read_all(path, 1 << 20, &source, &e), &e);
	assert_non_null(buf_cstr(&source));
	table = strstr((char *)source.p, "routes[] = {");
	assert_non_null(table);
	*strstr(table, "\n};") = '\0';
	for (; api_routes[n].method != NULL; n++) {
		front_pattern(api_routes[n].path, pattern, sizeof(pattern));
		(void)snprintf(
		    row, sizeof(row), "\"%s\", \"%s\",", api_routes[n].method, pattern);
		if (strstr(table, row) == NULL)
			fail_msg("daemon/front/route.c has no row '%s'", row);
	}
	(void)strsep(&table, "\n");
	while ((line = strsep(&table, "\n")) != NULL)
		rows += strstr(line, "\"/") != NULL &&
			strstr(line, " ROUTE_ON_STATUS,") == NULL;
	assert_int_equal(rows, n);
}

static void
parameters_have_the_limits_of_the_code(void **state)
{
	check_number(
	    "components parameters KeyName schema", "maxLength", API_KEY_NAME_MAX);
	check_number("components parameters Id schema", "minLength", API_ID_MIN);
	check_number("components parameters Id schema", "maxLength", API_ID_MAX);
	check_number("components parameters Wait schema", "maximum", API_WAIT_MAX_S);
	check_ref("components responses Problem content application/problem+json schema",
	    "Problem");
}

/* Limits that a table can get wrong, against the constants the rest of the code uses. */
static void
tables_have_the_limits_of_the_code(void **state)
{
	assert_int_equal(
	    api_member(&api_sign_request_schema, "items")->max, API_ITEMS_MAX);
	assert_int_equal(
	    api_member(&api_sign_answer_schema, "items")->max, API_ITEMS_MAX);
	assert_true(api_member(&api_item_schema, "size")->max == API_PE_SIZE_MAX);
	assert_int_equal(api_member(&api_item_schema, "digest")->max, 2 * MD_LEN_MAX);
	assert_int_equal(
	    api_member(&api_item_schema, "sequence")->max, API_SEQUENCE_MAX);
	assert_int_equal(
	    api_member(&api_item_schema, "ctl")->max, (API_BLOB_MAX + 2) / 3 * 4);
	assert_int_equal(
	    api_member(&api_item_schema, "page_hashes")->max, (API_BLOB_MAX + 2) / 3 * 4);
	assert_true(api_member(&api_item_error_schema, "detail")->max >=
		    sizeof(((struct kd_err *)0)->msg));
	assert_true(api_member(&api_problem_schema, "hint")->max >=
		    sizeof(((struct kd_err *)0)->hint));
}

/* Every member of the table is there and within its limits, and no other. */
static void check_encoded(struct jo o, const struct api_object *schema);

static void
check_encoded_member(struct jo *o, const struct api_member *m)
{
	struct ja a;

	switch (m->type) {
	case API_STRING:
	case API_CODE:
		(void)jo_str(o, m->name, m->min, m->max);
		break;
	case API_INTEGER:
		(void)jo_uint(o, m->name, m->min, m->max);
		break;
	case API_BOOLEAN:
		(void)jo_bool(o, m->name);
		break;
	case API_OBJECT:
		check_encoded(jo_obj(o, m->name), m->of);
		break;
	case API_ARRAY:
		a = jo_arr(o, m->name, 1, m->max);
		for (size_t i = 0; i < a.n; i++)
			if (m->of != NULL)
				check_encoded(ja_obj(&a, i), m->of);
			else
				(void)ja_str(&a, i, 1000);
	}
}

static void
check_encoded(struct jo o, const struct api_object *schema)
{
	for (const struct api_member *m = schema->members; m->name != NULL; m++)
		if (!m->optional || jo_has(&o, m->name))
			check_encoded_member(&o, m);
	check_done(jo_end(&o), o.e);
}

static void
check_encoding(struct buf *b, const struct api_object *schema)
{
	AUTO(json_free) struct json *j = NULL;
	struct kd_err e = {0};

	check_done(json_parse(buf_cstr(b), b->len, &j, &e), &e);
	check_encoded(jo_top(j, &e), schema);
	buf_reset(b);
}

static struct api_item items[] = {
    {.kind = API_KIND_PE,
	.name = (char[]){"a"},
	.size = 1,
	.md = MD_SHA1,
	.description = (char[]){"d"},
	.url = (char[]){"http://u"},
	.sequence = 1,
	.page_hashes = (uint8_t[]){0},
	.page_hashes_len = 1},
    {.kind = API_KIND_CABINET, .name = (char[]){"c"}, .size = 1, .md = MD_SHA256},
    {.kind = API_KIND_SCRIPT, .name = (char[]){"s"}, .size = 1, .md = MD_SHA256},
    {.kind = API_KIND_MSI, .name = (char[]){"m"}, .size = 1, .md = MD_SHA256},
    {.kind = API_KIND_MODULE, .name = (char[]){"k"}, .size = 1, .md = MD_SHA512},
    {.kind = API_KIND_CATALOG,
	.name = (char[]){"c"},
	.size = 1,
	.md = MD_SHA1,
	.ctl = (uint8_t[]){0x30, 0},
	.ctl_len = 2},
};
static struct api_item_answer answers[] = {
    {.status = API_SIGNED, .cms = (uint8_t[]){0x30, 0}, .cms_len = 2},
    {.status = API_FAILED, .code = KD_E_TOKEN, .detail = (char[]){"d"}},
    {.status = API_PENDING},
};
static struct api_cert certificate = {(uint8_t[]){0x30, 0}, 2};
static struct api_key key = {.name = "k",
    .algorithm = "ecdsa",
    .bits = 384,
    .not_before = "x",
    .not_after = "y",
    .detail = "d",
    .relaxed = "not-local",
    .uses = "derive",
    .tokens = {.v = {"t"}, .n = 1},
    .warnings = {.v = {"w"}, .n = 1},
    .kinds = "pe",
    .digests = "sha1",
    .certificates = &certificate,
    .certificates_n = 1};
static struct api_ready_key ready_key = {
    .name = "k", .code = "busy", .detail = "d", .token = "t", .warnings = {.v = {"w"}, .n = 1}};
static struct api_ready_token ready_token = {
    .signer = "s", .state = "absent", .detail = "d"};

static void
encoders_write_what_the_tables_say(void **state)
{
	const struct api_sign_request request = {
	    "0123456789abcdef", "0123456789abcdeg", "k", items, KD_ARRAY_LEN(items)};
	const struct api_sign_answer answer = {"0123456789abcdef", "k", answers, 3};
	const struct api_keys keys = {&key, 1};
	const struct api_ready ready = {.version = "1",
	    .separation = "s",
	    .record = "ok",
	    .relay = "r",
	    .keys = &ready_key,
	    .keys_n = 1,
	    .tokens = &ready_token,
	    .tokens_n = 1};
	const struct api_stamp_request stamps[] = {
	    {.kind = API_STAMP_RFC3161, .md = MD_SHA512},
	    {.kind = API_STAMP_LEGACY, .signature_len = API_SIGNATURE_MAX},
	};
	const struct api_stamp_answer stamped[] = {
	    {API_STAMP_RFC3161, (uint8_t[]){0x30, 0}, 2},
	    {API_STAMP_LEGACY, (uint8_t[]){0x30, 0}, 2},
	};
	const struct kd_err e = {KD_E_BUSY, "m", "h"};
	AUTO(buf_clear) struct buf b = {0};

	api_sign_request_encode(&request, &b);
	check_encoding(&b, &api_sign_request_schema);
	api_sign_answer_encode(&answer, &b);
	check_encoding(&b, &api_sign_answer_schema);
	api_keys_encode(&keys, &b);
	check_encoding(&b, &api_keys_schema);
	api_key_encode(&key, &b);
	check_encoding(&b, &api_key_schema);
	api_ready_encode(&ready, &b);
	check_encoding(&b, &api_ready_schema);
	api_problem_encode(&e, "0", &b);
	check_encoding(&b, &api_problem_schema);
	for (size_t i = 0; i < KD_ARRAY_LEN(stamps); i++) {
		api_stamp_request_encode(&stamps[i], &b);
		check_encoding(&b, &api_stamp_request_schema);
		api_stamp_answer_encode(&stamped[i], &b);
		check_encoding(&b, &api_stamp_answer_schema);
	}
}

/* PROTOCOL.md's table: | `code` | status | client's exit | again? | ... */
static void
protocol_page_lists_every_code(void **state)
{
	AUTO(buf_clear) struct buf page = {0};
	struct kd_err e = {0};
	char path[4096], row[128];
	size_t rows = 0, n = 0;

	(void)snprintf(path, sizeof(path), "%s/docs/PROTOCOL.md", source_dir());
	check_done(file_read_all(path, 1 << 20, &page, &e), &e);
	for (; api_codes[n] != KD_OK; n++) {
		const struct kd_code_info *info = kd_code_info(api_codes[n]);

		(void)snprintf(row, sizeof(row), "\n| `%s` | %d | %d | %s |", info->name,
		    info->http, info->exit_client, info->retryable ? "yes" : "no");
		if (strstr(buf_cstr(&page), row) == NULL)
			fail_msg("PROTOCOL.md has no row '%s'", row + 1);
	}
	for (const char *s = buf_cstr(&page); (s = strstr(s, "\n| `")) != NULL; s++) {
		const char *behind = strstr(s + 4, "` | ");

		rows += behind != NULL && strspn(behind + 4, "0123456789") == 3 &&
			strncmp(behind + 7, " |", 2) == 0; /* a status */
	}
	assert_int_equal(rows, n);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(every_object_has_the_same_members_and_limits),
	    cmocka_unit_test(requests_are_closed_and_answers_open),
	    cmocka_unit_test(every_code_and_its_status),
	    cmocka_unit_test(every_route_with_its_messages_and_statuses),
	    cmocka_unit_test(front_serves_these_routes_and_no_other),
	    cmocka_unit_test(parameters_have_the_limits_of_the_code),
	    cmocka_unit_test(tables_have_the_limits_of_the_code),
	    cmocka_unit_test(encoders_write_what_the_tables_say),
	    cmocka_unit_test(protocol_page_lists_every_code),
	};
	return cmocka_run_group_tests_name(
	    "openapi", t, read_description, forget_description);
}
