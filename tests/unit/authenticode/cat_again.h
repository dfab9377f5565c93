/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/cat_again.h - a parsed catalog, built again from what was
 * understood of it. */
#ifndef KD_CAT_AGAIN_H
#define KD_CAT_AGAIN_H
#include "authenticode/cat.h"

#define CAT_AGAIN_ATTRS_MAX 4096

struct cat_again {     /* what was seen on the way */
	size_t attrs;  /* of members */
	size_t others; /* of them not understood, copied as they stand */
	size_t unlike; /* SpcIndirectDataContent of an unknown form */
};
/* Appends the CTL to ret. False: too many attributes for it, or e says why. */
bool cat_again(
    const struct cat *c, struct buf *ret, struct cat_again *seen, struct kd_err *e);
#endif
