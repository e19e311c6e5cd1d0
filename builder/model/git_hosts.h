/*
 * git_hosts.h - where a worker connects to for a git source: a client names the URL, so this is what
 * keeps it from aiming the worker at the operator's own network.
 *
 * Without a list: any host over https, but only addresses of the public internet, which is checked
 * for the very address that is connected to. With a list ("git.example.org,10.0.0.5:8080"): only
 * these hosts, at whatever address, also over http. "none": nothing.
 */
#ifndef BUILDER_MODEL_GIT_HOSTS_H
#define BUILDER_MODEL_GIT_HOSTS_H

#include <stdbool.h>

#include "builder/base/err.h"

struct sockaddr;

/* Checks a list; ERR_USAGE. */
int git_hosts_check(const char *list, struct err *e);

/* May this URL (origin.h's form) be fetched? list NULL or "": the default. ERR_FORBIDDEN says what
 * the operator could do. */
int git_hosts_allow_url(const char *list, const char *url, struct err *e);

/* May a connection for host:port go to this address? */
bool git_hosts_allow_address(const char *list, const char *host, const char *port,
			     const struct sockaddr *address);

#endif
