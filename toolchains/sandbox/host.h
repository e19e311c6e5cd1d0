/*
 * host.h - what the generated part of the Node-API host (host.py) uses of host.c.
 */
#ifndef TOOLCHAINS_SANDBOX_HOST_H
#define TOOLCHAINS_SANDBOX_HOST_H

#define NAPI_EXPERIMENTAL
#define NODE_API_EXPERIMENTAL_NOGC_ENV_OPT_OUT
#include <node_api.h>
#include <stdlib.h>

/* The Node-API version of the headers. */
extern const uint32_t host_node_api;

/* Counts a call. */
void called(void);

/* An address that stands for a value; nothing is behind it. */
void *handle(void);

#endif
