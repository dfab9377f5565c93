/* SPDX-License-Identifier: Apache-2.0 */
/* client/msi.h - packages of Windows Installer. Here and not in authenticode/, because libgsf
 * reads them and the keeper must not link GLib. */
#ifndef CLIENT_MSI_H
#define CLIENT_MSI_H
#include "authenticode/format.h"

extern const struct format format_msi;
#endif
