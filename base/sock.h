/* SPDX-License-Identifier: Apache-2.0 */
/* base/sock.h - Unix sockets between our processes: bound, connected, and who is at the other end. */
#ifndef KD_SOCK_H
#define KD_SOCK_H
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* Binds a stream socket at path with the given mode, replacing a stale one (refused when some
 * process still answers there). Non-blocking, close-on-exec. */
bool sock_listen_unix(const char *path, mode_t mode, int *ret_fd, struct kd_err *e) KD_MUST;
/* Connected, non-blocking, close-on-exec; KD_E_UNREACHABLE with the path. */
bool sock_connect_unix(const char *path, int *ret_fd, struct kd_err *e) KD_MUST;
/* TCP on loopback or any address, "127.0.0.1:8443", "[::1]:8443", "0.0.0.0:8443"; port 0 picks one. */
bool sock_listen_tcp(const char *addr_port, int backlog, int *ret_fd, struct kd_err *e) KD_MUST;
bool sock_port(int fd, uint16_t *ret, struct kd_err *e) KD_MUST;
/* SO_PEERCRED: KD_E_AUTH unless the peer's user is uid (or root when allow_root). */
bool sock_check_peer(int fd, uid_t uid, bool allow_root, struct kd_err *e) KD_MUST;
bool sock_peer_uid(int fd, uid_t *ret, struct kd_err *e) KD_MUST;
bool sock_nonblock(int fd, struct kd_err *e) KD_MUST;
/* "kdsign-front" or a number → uid and primary gid. KD_E_CONFIG when there is no such user. */
bool sock_user(const char *name, uid_t *ret_uid, gid_t *ret_gid, struct kd_err *e) KD_MUST;
#endif
