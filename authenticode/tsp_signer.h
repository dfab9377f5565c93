/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/tsp_signer.h - what tsp_check.c lends the files that take answers. */
#ifndef KD_TSP_SIGNER_H
#define KD_TSP_SIGNER_H
#include "authenticode/tsp.h"

/* tsp_check without the imprint: the timestamp's own signature. KD_E_NOT_VERIFIED. */
bool tsp_check_own(const struct tsp_stamp *s, struct kd_err *e) KD_MUST;
/* The signer's certificate has the EKU timeStamping, and is valid at the timestamp's
 * time. Only after tsp_check_own. KD_E_NOT_VERIFIED. */
bool tsp_check_signer(const struct tsp_stamp *s, struct kd_err *e) KD_MUST;
#endif
