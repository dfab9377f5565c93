/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_arch.h - is each binary built for the machines that the INF installs it on? */
#ifndef KD_INF_ARCH_H
#define KD_INF_ARCH_H
#include "driver/cdf_path.h"
#include "driver/inf_package.h"
#include "driver/oslist.h"

/* Mask of the architectures that decorations of the INF's sections name. */
unsigned inf_archs_named(const struct inf *f);
/* The machine field of a PE image. false: none of Windows' architectures. */
bool inf_arch_of_machine(uint16_t machine, enum inf_arch *ret);

/*
 * inf_arch_check - the PE images that the unit copies, against the architectures of the
 * install sections that copy them.
 *
 * An install section is for the architecture of its decoration (.NTamd64), or of the Models
 * sections that name it; Models without one serve x86. A driver must be built for just that
 * architecture; a program or library for one that Windows runs there, and so one for x86
 * fits everywhere. What is no PE image, or is not there, is not this check's business.
 *
 * finder  of the caller, for files whose names differ in case
 * found   each file once: an error when it fits no architecture that it is copied to, a
 *         warning when it fits some of them, since many an INF serves several packages
 * Errors: KD_E_LIMIT, KD_E_NOMEM.
 * Spec:   Microsoft "INF DDInstall Section", "INF Models Section", "Creating INF Files for
 *         Multiple Platforms and Operating Systems"; INF facts 4 and 5.
 */
bool inf_arch_check(const struct inf_package *p, const struct inf_unit *unit,
    struct cdf_finder *finder, struct inf_findings *found, struct kd_err *e) KD_MUST;
#endif
