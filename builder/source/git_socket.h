/*
 * git_socket.h - the connections that libgit2 opens, below TLS: to allowed addresses only
 * (git_hosts.h), and with a limit on how long the other side may be silent, which libgit2 1.5 has not.
 */
#ifndef BUILDER_SOURCE_GIT_SOCKET_H
#define BUILDER_SOURCE_GIT_SOCKET_H

#include "builder/base/err.h"

#define GIT_CONNECT_SECONDS 20
#define GIT_SILENT_SECONDS  60

/* From now on all of libgit2's connections are made here. list: git_hosts.h's, which
 * stays valid. A proxy of the environment (https_proxy …) may be connected to as well: the operator
 * has set it, and it decides itself what it reaches. */
int git_socket_register(const char *list, struct err *e);

/* Why the last connection was not made, if that is because of its address; 0 or ERR_FORBIDDEN. */
int git_socket_refused(struct err *e);

#endif
