#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/checks.t - the checks of the tree find what they are for, each planted in a tree of its own.
. "${srcdir:-.}/tests/tap.sh"

scripts=$(cd "$srcdir/scripts" && pwd)
tree=$T/tree
spdx='/* SPDX-License-Identifier: Apache-2.0 */'

# plant FILE TEXT - a fresh tree with one file beside a good one
plant() {
	rm -rf "$tree"
	mkdir -p "$tree/base" "$tree/scripts" "$tree/$(dirname "$1")"
	printf '%s\nint good(void);\n' "$spdx" >"$tree/base/good.h"
	printf '%s\n' "$2" >"$tree/$1"
}

check() {
	srcdir=$tree builddir=$tree "$scripts/$1"
}

# finds CHECK TEXT TITLE - it fails, and TEXT is in what it says
finds() {
	fails 1 "$3" check "$1"
	says out "$2"
}

plant base/good.c "$spdx"
ok "check-layers takes a good tree" check check-layers
ok "check-source takes a good tree" check check-source

plant base/bad.c '#include "wire/json.h"'
finds check-layers '# base/bad.c:1:#include "wire/json.h"' "base includes wire"
plant daemon/front/bad.c '#include "authenticode/pe.h"'
finds check-layers 'authenticode/pe.h' "the front includes authenticode"
plant wire/bad.c '#include "frame.h"'
finds check-layers '# wire/bad.c:1:' "an include without its folder"
plant wire/frame.c '#include <jansson.h>'
finds check-layers '# wire/frame.c:1:' "jansson outside wire/json.c"
plant client/verify.c '#include <openssl/evp.h>'
finds check-layers '# client/verify.c:1:' "OpenSSL in the client"
plant daemon/keeper/policy.c '#include <sqlite3.h>'
finds check-layers '# daemon/keeper/policy.c:1:' "SQLite outside its file"
plant wire/bad.h 'struct x { json_t *v; }; /* fine in wire */'
ok "a type in the folder that owns it" check check-layers
plant client/bad.h 'void f(X509 *cert);'
finds check-layers 'client/bad.h:1: void f(X509 *cert);' "a library's type in a header"
plant client/fine.h '/* an X509 certificate, says EVP_x */'
ok "a type's name in a comment" check check-layers
plant base/bad.h '#include "config.h"'
finds check-layers '# base/bad.h:1:' "a header includes config.h"

plant base/bad.c "$spdx
void f(char *d, const char *s) { strcpy(d, s); }"
finds check-source '# base/bad.c:2:' "a banned call"
plant base/fine.c "$spdx
/* strcpy(d, s) */ const char *s = \"strcpy(d, s)\"; // strcpy(d, s)
void g(void) { my_strcpy(1); }"
ok "a banned call's name in words" check check-source
plant base/bad.c "$spdx
long f(const char *s) { return strtol(s, NULL, 0); }"
finds check-source '# base/bad.c:2:' "a loose number"
plant base/bad.c "$spdx
void *p = malloc(1);"
finds check-source '# base/bad.c:2:' "an allocation outside base/mem.c"
plant tests/fine.c "$spdx
void *p = malloc(1);"
ok "an allocation in a test" check check-source
plant pkcs11/bad.c "$spdx
#include \"base/secret.h\"
int f(void) { return memcmp(a, b, 4); }"
finds check-source '# pkcs11/bad.c:3:' "memcmp beside secrets"
plant base/bad.c "int x;"
finds check-source '# base/bad.c' "a file without its licence"
mark=TO
plant base/bad.c "$spdx
int x; /* ${mark}DO: later */"
finds check-source '# base/bad.c:2:' "unfinished work"
home=/home
plant docs/bad.md "see $home/alice/notes"
finds check-source '# docs/bad.md:1:' "somebody's machine"
plant base/bad.h "$spdx
uint8_t x;"
finds check-source '# base/bad.h: ' "a header that does not compile alone"
plant base/bad.c "$spdx
$(awk 'BEGIN { print "void\nf(void)\n{"; for (i = 0; i < 99; i++) print "\tg();"; print "}" }')"
finds check-source '# base/bad.c:4: 101 lines' "a long function"
plant base/bad.c "$spdx
$(awk 'BEGIN { for (i = 0; i < 600; i++) print "int x" i ";" }')"
finds check-source '# base/bad.c: more than 600 lines' "a long file"
if command -v pmccabe >/dev/null; then
	plant base/bad.c "$spdx
$(awk 'BEGIN { print "void\nf(int x)\n{"; for (i = 0; i < 15; i++) print "\tif (x == " i ")\n\t\tg();"; print "}" }')"
	finds check-source ': complexity 16' "a tangled function"
else
	skip "a tangled function" "pmccabe is not installed"
fi
if command -v shellcheck >/dev/null; then
	# shellcheck disable=SC2016 # the planted mistake
	plant scripts/bad '#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
rm $1'
	finds check-source 'scripts/bad:3:4: note: Double quote' "a careless script"
else
	skip "a careless script" "shellcheck is not installed"
fi
done_testing
