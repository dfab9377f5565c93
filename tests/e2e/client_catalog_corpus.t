#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154
# kdsign-client catalog against MakeCat: CDFs whose result is known become the same catalog, but for the
# identifier and the time.
. "${srcdir:-.}/tests/tap.sh"
corpus cdf

client=$builddir/kdsign-client
tool=$builddir/tests/unit/authenticode/cat_tool
: >"$T/no.conf"
export KDSIGN_CONFIG="$T/no.conf" HOME="$T"
case $C in
/*) ;;
*) C=$PWD/$C ;;
esac

# The CDF is copied into its folder's copy, where its relative paths lead to the members.
same() { # CDF CATALOG [sed script over both dumps]
	(cd "$(dirname "$1")" && "$client" catalog --output "$T/ours.cat" "$(basename "$1")") || return 1
	"$tool" "$T/ours.cat" >"$T/ours.txt" && "$tool" "$2" >"$T/theirs.txt" || return 1
	[ -z "${3-}" ] || for file in ours theirs; do
		sed "$3" "$T/$file.txt" | sort >"$T/$file.sorted" && mv "$T/$file.sorted" "$T/$file.txt"
	done
	diff "$T/theirs.txt" "$T/ours.txt"
}

cp -r "$C" "$T/cdf"
chmod -R u+w "$T/cdf"
ok "jsign's: one PE image" same "$T/cdf/jsign/cat/wineyes.cdf" "$T/cdf/jsign/cat/wineyes.cat"
ok "osslsigncode's: page hashes, a cabinet, flat files, attributes" \
	same "$T/cdf/osslsigncode/sources/CatalogDefinitionFileName.cdf" "$T/cdf/osslsigncode/files/unsigned.cat"
for commit in 0db17be6 45768957; do
	cp "$T/cdf/osslsigncode--history-$commit.cdf" "$T/cdf/osslsigncode/sources/"
	ok "osslsigncode's at $commit" same "$T/cdf/osslsigncode/sources/osslsigncode--history-$commit.cdf" \
		"$C/../cat/osslsigncode--$commit--unsigned.cat"
done
# Made in 2008: then the link was "<<<Obsolete>>>", now it is empty; being shorter, it also stands elsewhere in
# the set of attributes, so these are sorted.
ok "Wine's: a member found by its name" \
	same "$T/cdf/wine/winetest.cdf" "$T/cdf/wine/winetest.cat" 's/link=obsolete/link=empty/'
done_testing
