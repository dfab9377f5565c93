/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/demo_pki.c - what demo_pki.sh made, a software signer, and
 * judges that are not ours. */
#include "tests/unit/authenticode/demo_pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "authenticode/cms.h"
#include "authenticode/spc.h"
#include "base/builder.h"

static char tmp_dir[] = "/tmp/kdsign-test-XXXXXX";
static bool tmp_made;

const char *
demo_path(char dst[512], const char *name)
{
	const char *dir = getenv("builddir");

	(void)snprintf(
	    dst, 512, "%s/tests/unit/authenticode/pki/%s", dir != NULL ? dir : ".", name);
	return dst;
}

struct certs *
demo_certs(const char *names)
{
	struct kd_err e = {0};
	struct certs *c = NULL;
	char copy[512], *save = NULL;

	assert_true(certs_new(&c, &e));
	(void)snprintf(copy, sizeof(copy), "%s", names);
	for (char *n = strtok_r(copy, " ", &save); n != NULL;
	     n = strtok_r(NULL, " ", &save))
		if (!certs_load(c, DEMO(n), &e))
			fail_msg("%s", e.msg);
	return c;
}

void
demo_sign(const char *name, enum md md, const uint8_t *digest, uint8_t sig[1024],
    size_t *ret_len)
{
	char file[128];
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key;
	FILE *f;

	(void)snprintf(file, sizeof(file), "%s.key", name);
	f = fopen(DEMO(file), "r");
	assert_non_null(f);
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	(void)fclose(f);
	assert_non_null(key);
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	assert_int_equal(
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbyname(md_name(md))), 1);
	*ret_len = 1024;
	assert_int_equal(EVP_PKEY_sign(ctx, sig, ret_len, digest, md_len(md)), 1);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
}

void
demo_cms_over(
    const struct demo_signature *how, const struct cms_signed *what, struct buf *ret)
{
	AUTO(buf_clear) struct buf attrs = {0};
	AUTO(certs_free) struct certs *certs = demo_certs(how->certs);
	uint8_t digest[MD_LEN_MAX], sig[1024];
	struct kd_err e = {0};
	size_t sig_len;

	assert_true(cms_build_signed_attrs(how->md, what, &attrs, &e));
	assert_true(md_digest(how->md, attrs.p, attrs.len, digest, &e));
	demo_sign(how->key, how->md, digest, sig, &sig_len);
	assert_true(cms_assemble(
	    how->md, what, certs, attrs.p, attrs.len, sig, sig_len, ret, &e));
}

void
demo_cms(const struct demo_signature *how, const uint8_t *image_digest, struct buf *ret,
    struct buf *ret_content)
{
	AUTO(buf_clear) struct buf content = {0};
	struct cms_signed what;
	struct kd_err e = {0};

	assert_true(spc_build_pe(how->md, image_digest, NULL, 0, &content, &e));
	what = (struct cms_signed){.content = content.p,
	    .content_len = content.len,
	    .description = how->description,
	    .url = how->url};
	demo_cms_over(how, &what, ret);
	if (ret_content != NULL)
		buf_add(ret_content, content.p, content.len);
}

int
demo_run(const char *fmt, ...)
{
	char command[4096], quiet[4200];
	va_list ap;
	pid_t pid;
	int status;

	va_start(ap, fmt);
	assert_in_range(
	    vsnprintf(command, sizeof(command), fmt, ap), 1, sizeof(command) - 1);
	va_end(ap);
	(void)snprintf(quiet, sizeof(quiet), "{ %s; } >/dev/null 2>&1", command);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)execl("/bin/sh", "sh", "-c", quiet, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

bool
demo_have(const char *program)
{
	return demo_run("command -v %s", program) == 0;
}

static void
remove_tmp(void)
{
	(void)demo_run("rm -rf %s", tmp_dir);
}

const char *
demo_write(const char *name, const void *p, size_t n, char dst[512])
{
	FILE *f;

	if (!tmp_made) {
		assert_non_null(mkdtemp(tmp_dir));
		tmp_made = true;
		(void)atexit(remove_tmp);
	}
	(void)snprintf(dst, 512, "%s/%s", tmp_dir, name);
	f = fopen(dst, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	return dst;
}
