/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/keeper/record_event_test.c - events are canonical JSON: these facts are
 * exactly these bytes. */
#include "daemon/keeper/record_event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TIME "2026-11-23T22:24:17.123Z"
#define Z8 "0000000000000000"
#define Z32 Z8 Z8 Z8 Z8

static const struct event_head head = {.seq = 9, .time = TIME};
static char item_name[] = "h\"\n\xc3\xa9.sys", text[] = "A driver";

static void
is(struct buf *b, const char *want)
{
	struct kd_err e = {0};

	assert_true(buf_ok(b, "event", &e));
	assert_string_equal(buf_cstr(b), want);
	buf_clear(b);
}

static void
a_request(void **state)
{
	struct settings settings = {0};
	struct key key = {0};
	struct policy_grant grants[2] = {{.name = "farm"}, {.name = "catalogs"}};
	struct item items[3] = {
	    {.grant = &grants[0]}, {.grant = &grants[0]}, {.grant = &grants[0]}};
	struct request r = {.settings = &settings,
	    .key = &key,
	    .items = items,
	    .items_n = 3,
	    .key_name = "driver",
	    .peer = "192.0.2.7:1",
	    .request_id = "ab",
	    .subject = "CN=x",
	    .ask = {.id = "request-00000001", .retry_of = "request-00000000"}};
	struct buf b = {0};

	(void)state;
	event_request(&b, &head, &r, 4);
	is(&b, "{\"again\":4,\"certificate_sha256\":\"" Z32 "\",\"client\":\"" Z32
	       "\",\"config_sha256\":\"" Z32 "\",\"content_sha256\":\"" Z32
	       "\",\"event\":\"request\",\"grant\":\"farm\",\"id\":\"request-00000001\","
	       "\"items\":3,\"key\":\"driver\",\"key_certificate_sha256\":\"" Z32
	       "\",\"peer\":\"192.0.2.7:1\","
	       "\"request_id\":\"ab\",\"retry_of\":\"request-00000000\",\"seq\":9,"
	       "\"subject\":\"CN=x\",\"time\":\"" TIME "\"}");
	/* by several grants: each once, and which one is an item's stands there */
	items[1].grant = &grants[1];
	assert_true(request_mixes_grants(&r));
	event_request(&b, &head, &r, 0);
	assert_non_null(strstr(buf_cstr(&b),
	    "\"event\":\"request\",\"grants\":[\"farm\",\"catalogs\"],\"id\":"));
	buf_clear(&b);
}

static void
an_intent_and_its_results(void **state)
{
	struct api_item what = {.kind = API_KIND_PE,
	    .name = item_name,
	    .size = 4294967295u,
	    .md = MD_SHA1,
	    .description = text};
	struct request r = {.ask = {.items = &what, .items_n = 1}};
	struct item it = {.req = &r, .md = MD_SHA1, .token_us = 7};
	uint8_t sig[32] = {0};
	struct buf b = {0};

	(void)state;
	event_intent(&b, &head, 5, false, &it);
	is(&b, "{\"description\":\"A driver\",\"digest\":\"" Z8 Z8
	       "00000000\",\"digest_algorithm\":\"sha1\","
	       "\"event\":\"intent\",\"index\":0,\"kind\":\"pe\",\"name\":"
	       "\"h\\\"\\n\xc3\xa9.sys\",\"request\":5,"
	       "\"seq\":9,\"signed_digest\":\"" Z8 Z8
	       "00000000\",\"size\":4294967295,\"time\":\"" TIME "\"}");
	it.grant = &(const struct policy_grant){.name = "farm"};
	event_intent(&b, &head, 5, true, &it);
	assert_non_null(
	    strstr(buf_cstr(&b), "\"event\":\"intent\",\"grant\":\"farm\",\"index\":0,"));
	buf_clear(&b);
	it.sig_len = 1;
	event_result(&b, &head, 5, &it, sig);
	is(&b, "{\"event\":\"result\",\"heard\":true,\"index\":0,\"request\":5,\"seq\":9,"
	       "\"signature_sha256\":\"" Z32 "\",\"status\":\"signed\",\"time\":\"" TIME
	       "\",\"token_us\":7}");
	it = (struct item){.req = &r, .code = KD_E_TOKEN, .final = true, .ckr = 48};
	memcpy(it.detail, "x", 2);
	event_result(&b, &head, 5, &it, sig);
	is(&b,
	    "{\"ckr\":48,\"code\":\"token_unavailable\",\"detail\":\"x\",\"event\":"
	    "\"result\",\"heard\":true,"
	    "\"index\":0,\"request\":5,\"seq\":9,\"status\":\"failed\",\"time\":\"" TIME
	    "\",\"token_us\":0}");
	event_unknown(&b, &head, 5, 2);
	is(&b,
	    "{\"event\":\"unknown\",\"index\":2,\"request\":5,\"seq\":9,\"time\":\"" TIME
	    "\"}");
}

/* What only some items have, each in its place. */
static void
an_intent_of_a_catalog_and_of_page_hashes(void **state)
{
	uint8_t blob[1] = {0};
	struct api_item what = {.kind = API_KIND_CATALOG,
	    .name = item_name,
	    .size = 7,
	    .md = MD_SHA1,
	    .sequence = 2,
	    .ctl = blob,
	    .ctl_len = 1};
	struct request r = {.ask = {.items = &what, .items_n = 1}};
	struct item it = {.req = &r, .md = MD_SHA1, .members_n = 2};
	struct buf b = {0};

	(void)state;
	buf_str(&it.members, "[\"aa\",{\"tag\":\"t\"}]");
	event_intent(&b, &head, 5, false, &it);
	is(&b, "{\"ctl_sha256\":\"" Z32 "\",\"digest\":\"" Z8 Z8
	       "00000000\",\"digest_algorithm\":\"sha1\","
	       "\"event\":\"intent\",\"index\":0,\"kind\":\"catalog\",\"member_count\":2,"
	       "\"members\":[\"aa\",{\"tag\":\"t\"}],\"name\":\"h\\\"\\n\xc3\xa9.sys\","
	       "\"request\":5,\"seq\":9,\"sequence\":2,\"signed_digest\":\"" Z8 Z8
	       "00000000\",\"size\":7,\"time\":\"" TIME "\"}");
	buf_clear(&it.members);
	what = (struct api_item){.kind = API_KIND_PE,
	    .name = item_name,
	    .size = 7,
	    .md = MD_SHA1,
	    .page_hashes = blob,
	    .page_hashes_len = 1};
	event_intent(&b, &head, 5, false, &it);
	is(&b, "{\"digest\":\"" Z8 Z8 "00000000\",\"digest_algorithm\":\"sha1\","
	       "\"event\":\"intent\",\"index\":0,\"kind\":\"pe\","
	       "\"name\":\"h\\\"\\n\xc3\xa9.sys\",\"page_hashes_sha256\":\"" Z32
	       "\",\"request\":5,\"seq\":9,\"signed_digest\":\"" Z8 Z8
	       "00000000\",\"size\":7,\"time\":\"" TIME "\"}");
}

static void
notes(void **state)
{
	struct record_note n = {.event = "deny",
	    .code = KD_E_DENIED,
	    .detail = "no",
	    .id = "i",
	    .key = "k",
	    .peer = "p",
	    .request_id = "r",
	    .subject = "s",
	    .have_client = true};
	struct buf b = {0};

	(void)state;
	event_note(&b, &head, &n);
	is(&b, "{\"certificate_sha256\":\"" Z32 "\",\"client\":\"" Z32
	       "\",\"code\":\"not_granted\",\"detail\":\"no\","
	       "\"event\":\"deny\",\"id\":\"i\",\"key\":\"k\",\"peer\":\"p\",\"request_"
	       "id\":\"r\",\"seq\":9,"
	       "\"subject\":\"s\",\"time\":\"" TIME "\"}");
	n = (struct record_note){.event = "start", .have_config = true};
	event_note(&b, &head, &n);
	is(&b, "{\"config_sha256\":\"" Z32
	       "\",\"event\":\"start\",\"seq\":9,\"time\":\"" TIME "\"}");
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(a_request),
	    cmocka_unit_test(an_intent_and_its_results),
	    cmocka_unit_test(an_intent_of_a_catalog_and_of_page_hashes),
	    cmocka_unit_test(notes),
	};

	return cmocka_run_group_tests_name("record_event", t, NULL, NULL);
}
