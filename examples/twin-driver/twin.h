/* SPDX-License-Identifier: Apache-2.0 */
/* twin.h - what twin.sys and twinapi.dll say to each other. */
#ifndef TWIN_H
#define TWIN_H

#define TWIN_LINK_NAME "KdsignTwin"

/* Two numbers in, their sum out. */
#define IOCTL_TWIN_ADD CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

struct twin_add {
	LONG a, b;
};
#endif
