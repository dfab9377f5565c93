/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/format_script_test.c - scripts: every encoding against iconv, what
 * may not be signed, and what is no signature. */
#include "config.h" /* _GNU_SOURCE: ftruncate of a memory file */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "authenticode/cms.h"
#include "base/file.h"
#include "base/num.h"
#include "tests/unit/authenticode/demo_pki.h"
#include "tests/unit/authenticode/script_make.h"

#define U16(c) c "\0"

static void
digest_is_of_the_text_in_utf16le(void **state)
{
	(void)state;

	for (size_t i = 0; i < scripts_n; i++) {
		AUTO(close) int fd = format_make_fd(scripts[i].bytes, scripts[i].len);
		AUTO(buf_clear) struct buf theirs = {0};
		uint8_t digest[MD_LEN_MAX];
		char path[512], out[600];
		struct kd_err e = {0};

		demo_write("script", scripts[i].bytes, scripts[i].len, path);
		(void)snprintf(out, sizeof(out), "%s.digest", path);
		assert_int_equal(demo_run("iconv -f %s -t UTF-16LE %s | "
					  "openssl dgst -sha256 -binary -out %s",
				     scripts[i].iconv, path, out),
		    0);
		assert_true(file_read_all(out, 64, &theirs, &e));
		script_digest(fd, scripts[i].name, digest);
		assert_int_equal(theirs.len, 32);
		assert_memory_equal(digest, theirs.p, 32);
	}
}

static void
signing_resigning_and_removing_keep_the_text(void **state)
{
	(void)state;

	for (size_t i = 0; i < scripts_n; i++) {
		const struct script_text *s = &scripts[i];
		AUTO(close) int once = script_signed(s), twice = -1, bare = -1;
		AUTO(buf_clear) struct buf whole = {0};
		struct script_text again = {.name = s->name};
		struct kd_err e = {0};

		if (!script_holds(once, s->name, &e))
			fail_msg("%s: %s", s->name, e.msg);
		format_make_slurp(once, &whole);
		again.bytes = (const char *)whole.p;
		again.len = whole.len;
		twice = script_signed(&again);
		format_make_check(twice, whole.p, whole.len);
		bare = format_make_embed(&format_script, twice, s->name, NULL, 0);
		format_make_check(bare, s->bytes, s->len);
	}
}

static void
block_is_byte_exact(void **state)
{
	static const struct {
		const char *name, *body;
		size_t body_len;
		const char *want;
		size_t want_len;
	} cases[] = {
	    {"a.ps1", BYTES("1\n"),
		BYTES("1\n\r\n# SIG # Begin signature block\r\n# MAMBAgM=\r\n"
		      "# SIG # End signature block\r\n")},
	    {"a.ps1xml", BYTES("<a/>\r\n"),
		BYTES("<a/>\r\n\r\n<!-- SIG # Begin signature block -->\r\n"
		      "<!-- MAMBAgM= -->\r\n<!-- SIG # End signature block -->\r\n")},
	    {"a.mof", BYTES("x"),
		BYTES("x\r\n/* SIG # Begin signature block */\r\n/* MAMBAgM= */\r\n"
		      "/* SIG # End signature block */\r\n")},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(close) int fd = format_make_fd(cases[i].body, cases[i].body_len);
		AUTO(close) int out = format_make_embed(&format_script, fd, cases[i].name,
		    (const uint8_t *)"\x30\x03\x01\x02\x03", 5);

		format_make_check(out, cases[i].want, cases[i].want_len);
	}
}

static void
what_would_not_hold_everywhere_is_not_signed(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t len;
		const char *msg, *hint;
	} cases[] = {
#define ALIKE "make all line ends alike (unix2dos FILE, or dos2unix FILE), then sign"
#define BEYOND                                                                           \
	"has characters beyond ASCII and no byte order mark: Windows would read it in "  \
	"the code page of each machine, and find another digest on the next"
#define SAVE "save it as UTF-8 with a byte order mark, then sign"
	    {"a.ps1", BYTES("1\r\n2\r\n3\n4\r\n"),
		"line 3 ends with LF, line 1 with CRLF: the next editor would make them "
		"alike, and break the signature",
		ALIKE},
	    {"a.psm1", BYTES("1\n2\r\n"),
		"line 2 ends with CRLF, line 1 with LF: the next editor would make them "
		"alike, and break the signature",
		ALIKE},
	    {"a.ps1", BYTES("1\r\n\r2"),
		"line 2 ends with CR, line 1 with CRLF: the next editor would make them "
		"alike, and break the signature",
		ALIKE},
	    {"a.ps1", BYTES("\xff\xfe" U16("1") U16("\n") U16("\r") U16("\n")),
		"line 2 ends with CRLF, line 1 with LF: the next editor would make them "
		"alike, and break the signature",
		ALIKE},
	    {"a.ps1", "", 0, "is empty", ""},
	    {"a.ps1", BYTES("# nothing but ASCII in thirty-two b\xc3\xa4tes\r\n"), BEYOND,
		SAVE},
	    {"a.ps1", BYTES("# h\xe9llo\r\n"), BEYOND, SAVE},
	    /* the 32nd byte is the first of two */
	    {"a.ps1", BYTES("# \xc3\xa4 34567890123456789012345678\xc3\xa4"), BEYOND, SAVE},
	    /* for XML Windows does not look */
	    {"a.ps1xml", BYTES("<a>\xc3\xa4</a>"), BEYOND, SAVE},
	    {"a.ps1", BYTES(U16("1") U16("\r") U16("\n")), "line 1: a NUL, which no script has",
		"if it is UTF-16, PowerShell wants a byte order mark: save it with one"},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(close) int fd = format_make_fd(cases[i].bytes, cases[i].len);
		AUTO(format_file_clear) struct format_file f = {0};
		struct kd_err e = {0};

		format_make_open(&format_script, fd, cases[i].name, &f);
		assert_false(format_script.signable(fd, &f, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		assert_string_equal(e.msg, cases[i].msg);
		assert_string_equal(e.hint, cases[i].hint);
	}
}

static void
what_is_no_text_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *msg;
	} cases[] = {
	    {BYTES("\xef\xbb\xbf" "1\r\n\xe9\r\n"),
		"line 2: malformed UTF-8, which the byte order mark promises"},
	    {BYTES("\xef\xbb\xbf" "1\r\n\xc0\x80"),
		"line 2: malformed UTF-8, which the byte order mark promises"},
	    {BYTES("\xef\xbb\xbf" "1\xe2\x82"),
		"line 1: malformed UTF-8, which the byte order mark promises"},
	    {BYTES("\xff\xfe" U16("1") "2"),
		"is UTF-16 by its byte order mark, and has an odd number of bytes"},
	};
	const struct format *formats[] = {&format_script};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(close) int fd = format_make_fd(cases[i].bytes, cases[i].len);
		AUTO(format_file_clear) struct format_file f = {0};
		struct kd_err e = {0};

		assert_false(format_open(fd, "a.ps1", formats, 1, &f, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		assert_string_equal(e.msg, cases[i].msg);
	}
}

#define BEGIN "# SIG # Begin signature block"
#define END "# SIG # End signature block"
#define FULL "# MAMBAgMwAwECAzADAQIDMAMBAgMwAwECAzADAQIDMAMBAgMwAwECAzADAQIDMAMB"

static void
damaged_block_is_named_by_line(void **state)
{
	static const struct {
		const char *text, *msg;
	} cases[] = {
	    {"1\r\n\r\n" BEGIN "\n# MAMBAgM=\r\n" END "\r\n",
		"line 3: the signature block's line ends with LF, CRLF expected"},
	    {"1\r\n\r\n" BEGIN "\r\n# MAMBAgM=\n" END "\r\n",
		"line 4: the signature block's line ends with LF, CRLF expected"},
	    {"1\r\n\r\n" BEGIN "\r\n# MAMBAgM=\r\n" END "\n",
		"line 5: the signature block's line ends with LF, CRLF expected"},
	    {"1\r\n\r\n" BEGIN "\r\n# MAMBAgM=\r\n" END,
		"line 5: the signature block's line ends with nothing, CRLF expected"},
	    {"1\n\n" BEGIN "\n# MAMBAgM=\n" END "\n",
		"line 3: the signature block does not stand behind CRLF"},
	    {BEGIN "\r\n# MAMBAgM=\r\n" END "\r\n",
		"line 1: the signature block does not stand behind CRLF"},
	    {"1\r\n" BEGIN "s\r\n# MAMBAgM=\r\n" END "\r\n",
		"line 2: the line that begins the signature block goes on"},
	    {"1\r\n" BEGIN "\r\n# MAMBAgM=\r\n" END "\r\nRemove-Item x\r\n",
		"line 5: text stands behind the signature block"},
	    {"1\r\n" BEGIN "\r\n# MAMBAgM=\r\n" END "\r\n\r\n",
		"line 5: text stands behind the signature block"},
	    {"1\r\n" BEGIN "\r\nRemove-Item x\r\n" END "\r\n",
		"line 3: is neither base64 of the signature block nor its end"},
	    {"1\r\n" BEGIN "\r\n# MAMB AgM=\r\n" END "\r\n",
		"line 3: is neither base64 of the signature block nor its end"},
	    {"1\r\n" BEGIN "\r\n#MAMBAgM=\r\n" END "\r\n",
		"line 3: is neither base64 of the signature block nor its end"},
	    {"1\r\n" BEGIN "\r\n# \r\n" END "\r\n",
		"line 3: is neither base64 of the signature block nor its end"},
	    {"1\r\n" BEGIN "\r\n" FULL "A\r\n" END "\r\n", /* 65 characters */
		"line 3: is neither base64 of the signature block nor its end"},
	    {"1\r\n" BEGIN "\r\n# MAMB\r\n# AgM=\r\n" END "\r\n", /* short, then more */
		"line 4: is neither base64 of the signature block nor its end"},
	    {"1\r\n" BEGIN "\r\n# MAMBAgM=\r\n",
		"line 4: is neither base64 of the signature block nor its end"},
	    {"1\r\n" BEGIN "\r\n# MAMBAgM=\r\n" BEGIN "\r\n",
		"line 4: is neither base64 of the signature block nor its end"},
	};
	const struct format *formats[] = {&format_script};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(close) int fd = format_make_fd(cases[i].text, strlen(cases[i].text));
		AUTO(format_file_clear) struct format_file f = {0};
		struct kd_err e = {0};

		assert_false(format_open(fd, "a.ps1", formats, 1, &f, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		assert_string_equal(e.msg, cases[i].msg);
		assert_true(e.hint[0] != '\0');
	}
}

static void
damaged_base64_is_no_signature(void **state)
{
	static const struct {
		const char *text, *msg;
	} cases[] = {
	    {"1\r\n" BEGIN "\r\n# MAMBAgM\r\n" END "\r\n", NULL},
	    {"1\r\n" BEGIN "\r\n# MAMBAgN=\r\n" END "\r\n", NULL}, /* stray bits */
	    {"1\r\n" BEGIN "\r\n# MAMB=gM=\r\n" END "\r\n", NULL},
	    {"1\r\n" BEGIN "\r\n# MAMBAgMA\r\n" END "\r\n", /* a byte behind the DER */
		"signature block has 1 unexpected bytes at offset 0x5"},
	    {"1\r\n" BEGIN "\r\n" END "\r\n", NULL}, /* none at all */
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(close) int fd = format_make_fd(cases[i].text, strlen(cases[i].text));
		AUTO(format_file_clear) struct format_file f = {0};
		AUTO(buf_clear) struct buf der = {0};
		struct kd_err e = {0};

		format_make_open(&format_script, fd, "a.ps1", &f);
		assert_true(f.is_signed);
		assert_false(format_script.signature(fd, &f, &der, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		if (cases[i].msg != NULL)
			assert_string_equal(e.msg, cases[i].msg);
		assert_int_equal(der.len, 0);
	}
}

static void
unsigned_script_has_nothing_to_give(void **state)
{
	AUTO(close) int fd = format_make_fd("1\r\n", 3), out = format_make_fd("", 0);
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(buf_clear) struct buf der = {0};
	struct kd_err e[2] = {{0}};
	(void)state;

	format_make_open(&format_script, fd, "x/y.PS1XML", &f);
	assert_false(f.is_signed);
	assert_int_equal(f.size, 3);
	assert_false(format_script.signature(fd, &f, &der, &e[0]));
	assert_int_equal(e[0].code, KD_E_UNSIGNED);
	assert_false(format_script.embed(fd, &f, NULL, 0, out, &e[1]));
	assert_int_equal(e[1].code, KD_E_UNSIGNED);
	assert_string_equal(e[1].msg, "has no signature block");
}

static void
kind_is_told_by_name(void **state)
{
	static const char *const others[] = {"a.ps2", "ps1", "a.ps1.txt", "", NULL};
	AUTO(close) int fd = format_make_fd("1\r\n", 3);
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(others); i++)
		assert_false(format_script.recognise(fd, others[i]));
	assert_true(format_script.recognise(fd, "a.ps1"));
	assert_true(format_script.recognise(fd, ".ps1"));
}

/* The text's digest in another reading, signed and put in. */
static int
signed_as(const char *bytes, size_t n, const char *encoding)
{
	AUTO(close) int fd = format_make_fd(bytes, n);
	AUTO(buf_clear) struct buf text = {0};
	AUTO(buf_clear) struct buf cms = {0};
	uint8_t digest[MD_LEN_MAX];
	char path[512], out[600];
	struct kd_err e = {0};

	demo_write("script", bytes, n, path);
	(void)snprintf(out, sizeof(out), "%s.utf16", path);
	assert_int_equal(
	    demo_run("iconv -f %s -t UTF-16LE %s >%s", encoding, path, out), 0);
	assert_true(file_read_all(out, 1 << 20, &text, &e));
	assert_true(md_digest(MD_SHA256, text.p, text.len, digest, &e));
	script_sign_digest(digest, &cms);
	return format_make_embed(&format_script, fd, "a.ps1", cms.p, cms.len);
}

/* Without a byte order mark the signer's code page decided; what we know of are the one
 * most machines have, and UTF-8, as tools outside Windows have it. */
static void
text_without_mark_verifies_as_it_was_read(void **state)
{
	static const char text[] = "# nothing but ASCII in thirty-two b\xc3\xa4tes, "
				   "\xe2\x80\x9e\xe2\x82\xac\xe2\x80\x9c\r\n",
			  ansi[] = "# h\xe9llo \x80 \x9f\r\n";
	AUTO(close) int windows = signed_as(text, sizeof(text) - 1, "CP1252"),
			others = signed_as(text, sizeof(text) - 1, "UTF-8"),
			russian = signed_as(text, sizeof(text) - 1, "KOI8-R"),
			old = signed_as(ansi, sizeof(ansi) - 1, "CP1252");
	struct kd_err e = {0};
	(void)state;

	assert_true(script_holds(windows, "a.ps1", &e));
	assert_true(script_holds(others, "a.ps1", &e));
	assert_true(script_holds(old, "a.ps1", &e));
	assert_false(script_holds(russian, "a.ps1", &e));
	assert_int_equal(e.code, KD_E_NOT_VERIFIED);
}

static void
any_flipped_bit_is_noticed(void **state)
{
	static const size_t tried[] = {0, 6, 7}; /* UTF-8 with and without mark, UTF-16 */
	(void)state;

	for (size_t k = 0; k < KD_ARRAY_LEN(tried); k++) {
		const struct script_text *s = &scripts[tried[k]];
		AUTO(close) int fd = script_signed(s);
		AUTO(buf_clear) struct buf whole = {0};

		format_make_slurp(fd, &whole);
		for (size_t i = 0; i < 8 * s->len; i++) {
			AUTO(close) int twin = -1;
			struct kd_err e = {0};

			whole.p[i / 8] ^= (uint8_t)(1 << i % 8);
			twin = format_make_fd(whole.p, whole.len);
			assert_false(script_holds(twin, s->name, &e));
			whole.p[i / 8] ^= (uint8_t)(1 << i % 8);
		}
	}
}

static void
size_has_a_bound(void **state)
{
	AUTO(close) int fd = format_make_fd("", 0);
	AUTO(format_file_clear) struct format_file f = {0};
	const struct format *formats[] = {&format_script};
	struct kd_err e = {0};
	(void)state;

	assert_int_equal(ftruncate(fd, (64 << 20) + 1), 0);
	assert_false(format_open(fd, "a.ps1", formats, 1, &f, &e));
	assert_int_equal(e.code, KD_E_LIMIT);
	assert_string_equal(
	    e.msg, "is a script of 67108865 bytes, at most 67108864 are accepted");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(digest_is_of_the_text_in_utf16le),
	    cmocka_unit_test(signing_resigning_and_removing_keep_the_text),
	    cmocka_unit_test(block_is_byte_exact),
	    cmocka_unit_test(what_would_not_hold_everywhere_is_not_signed),
	    cmocka_unit_test(what_is_no_text_is_refused),
	    cmocka_unit_test(damaged_block_is_named_by_line),
	    cmocka_unit_test(damaged_base64_is_no_signature),
	    cmocka_unit_test(unsigned_script_has_nothing_to_give),
	    cmocka_unit_test(kind_is_told_by_name),
	    cmocka_unit_test(text_without_mark_verifies_as_it_was_read),
	    cmocka_unit_test(any_flipped_bit_is_noticed),
	    cmocka_unit_test(size_has_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
