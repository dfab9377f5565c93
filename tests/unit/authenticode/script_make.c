/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/script_make.c - scripts in every encoding, signed with demo keys. */
#include "tests/unit/authenticode/script_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authenticode/cms.h"
#include "authenticode/spc.h"
#include "base/num.h"
#include "tests/unit/authenticode/demo_pki.h"

#define U16(c) c "\0"

const struct script_text scripts[] = {
    {"crlf.ps1", BYTES("Write-Host 'hello'\r\nexit 0\r\n"), "UTF-8", true},
    {"lf.psm1", BYTES("function f {\n}\n"), "UTF-8", true},
    {"cr.psm1", BYTES("function f {\r}\r"), "UTF-8", true},
    {"no-end.PSD1", BYTES("@{ a = 1 }"), "UTF-8", true},
    {"one-line.psd1", BYTES("@{ a = 1 }\r\n"), "UTF-8", true},
    {"early.ps1", BYTES("# h\xc3\xa9llo \xf0\x9f\x94\x91\r\n1\r\n"), "UTF-8", true},
    {"bom.ps1",
	BYTES("\xef\xbb\xbf# no letter beyond ASCII in the first line\r\n"
	      "# \xc5\xbc\xc3\xb3\xc5\x82\xc4\x87 \xe2\x82\xac \xf0\x9f\x94\x91\r\n"),
	"UTF-8", true},
    {"utf16.ps1",
	BYTES("\xff\xfe" U16("#") U16(" ") "\xe4\0" "\xac\x20" "\x3d\xd8\x11\xdd"
	      U16("\r") U16("\n") U16("1") U16("\r") U16("\n")),
	"UTF-16LE", true},
    {"utf16-lf.psm1", BYTES("\xff\xfe" U16("1") U16("\n") U16("2")), "UTF-16LE", true},
    {"big.ps1", BYTES("\xfe\xff\0#\0 \0\xe4\x20\xac\xd8\x3d\xdd\x11\0\r\0\n"), "UTF-16BE",
	false},
    {"view.ps1xml", BYTES("<?xml version=\"1.0\"?>\r\n<a/>\r\n"), "UTF-8", true},
    {"bom.ps1xml", BYTES("\xef\xbb\xbf<a>\xc3\xa4</a>"), "UTF-8", true},
    {"utf16.ps1xml", BYTES("\xff\xfe" U16("<") "\xe4\0" U16("/") U16(">")), "UTF-16LE",
	true},
    {"a.psc1", BYTES("<a/>\r\n"), "UTF-8", true},
    {"a.cdxml", BYTES("<a/>\r\n"), "UTF-8", true},
    {"a.mof", BYTES("class a {};\r\n"), "UTF-8", true},
};
const size_t scripts_n = KD_ARRAY_LEN(scripts);

static const struct demo_signature how = {
    "rsa2048", "rsa2048.chain", MD_SHA256, "A script", "https://example.org/"};

void
script_digest(int fd, const char *name, uint8_t ret[MD_LEN_MAX])
{
	AUTO(format_file_clear) struct format_file f = {0};
	struct kd_err e = {0};

	format_make_open(&format_script, fd, name, &f);
	if (!format_script.digest(fd, &f, MD_SHA256, ret, &e))
		fail_msg("%s", e.msg);
}

void
script_sign_digest(const uint8_t *digest, struct buf *ret)
{
	AUTO(buf_clear) struct buf content = {0};
	struct cms_signed what = {0};
	struct kd_err e = {0};

	assert_true(spc_build(SPC_TYPE_SCRIPT, how.md, digest, &content, &e));
	what.content = content.p;
	what.content_len = content.len;
	what.description = how.description;
	what.url = how.url;
	demo_cms_over(&how, &what, ret);
}

int
script_signed(const struct script_text *s)
{
	AUTO(close) int fd = format_make_fd(s->bytes, s->len);
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(buf_clear) struct buf cms = {0};
	uint8_t digest[MD_LEN_MAX];
	struct kd_err e = {0};

	format_make_open(&format_script, fd, s->name, &f);
	if (!format_script.signable(fd, &f, &e))
		fail_msg("%s: %s", s->name, e.msg);
	script_digest(fd, s->name, digest);
	script_sign_digest(digest, &cms);
	return format_make_embed(&format_script, fd, s->name, cms.p, cms.len);
}

bool
script_holds(int fd, const char *name, struct kd_err *e)
{
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(buf_clear) struct buf der = {0};
	AUTO(cms_clear) struct cms c = {0};
	const struct format *formats[] = {&format_script};
	uint8_t digest[MD_LEN_MAX];
	struct spc spc;

	if (!format_open(fd, name, formats, 1, &f, e) ||
	    !format_script.signature(fd, &f, &der, e) ||
	    !cms_parse(der.p, der.len, &c, e) ||
	    !spc_parse(c.content, c.content_len, &spc, e) ||
	    !format_script.digest(fd, &f, spc.md, digest, e) ||
	    !cms_check_message_digest(&c, e) || !cms_check_signature(&c, e))
		return false;
	assert_int_equal(spc.type, SPC_TYPE_SCRIPT);
	return memcmp(digest, spc.digest, md_len(spc.md)) == 0 ||
	       kd_fail(e, KD_E_NOT_VERIFIED, "another digest");
}
