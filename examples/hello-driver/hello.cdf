# SPDX-License-Identifier: Apache-2.0
# hello.cdf - what hello.cat lists: every file of the package, the INF included. Version 2 has SHA-256 for
# Windows 8 and later, and each file's SHA-1 beside it.

[CatalogHeader]
Name=hello.cat
PublicVersion=0x0000001
EncodingType=0x00010001
CatalogVersion=2
HashAlgorithms=SHA256
CATATTR1=0x10010001:OSAttr:2:6.2,2:6.3,2:10.0

[CatalogFiles]
<HASH>hello.sys=hello.sys
<HASH>hello.sysATTR1=0x10010001:File:hello.sys
<HASH>hello.inf=hello.inf
<HASH>hello.infATTR1=0x10010001:File:hello.inf
