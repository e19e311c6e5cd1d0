/*
 * ctl.h - what the commands of prebuildctl share. One command a file; each gets its arguments
 * without the program and its own name, and returns the exit code of the interface: 0 done, 1 the
 * operation failed, 2 usage, 3 server not reachable, 4 not found, 5 not allowed.
 */
#ifndef BUILDER_CLI_CTL_H
#define BUILDER_CLI_CTL_H

#include <stdbool.h>

#include "builder/base/err.h"
#include "builder/base/opt.h"
#include "builder/remote/remote.h"

int ctl_build(int argc, char **argv);
int ctl_status(int argc, char **argv);
int ctl_logs(int argc, char **argv);
int ctl_cancel(int argc, char **argv);
int ctl_fetch(int argc, char **argv);
int ctl_check(int argc, char **argv);
int ctl_publish(int argc, char **argv);
int ctl_targets(int argc, char **argv);
int ctl_matrix(int argc, char **argv);
int ctl_toolchain(int argc, char **argv);
int ctl_verify(int argc, char **argv);
int ctl_token(int argc, char **argv);
int ctl_gc(int argc, char **argv);
int ctl_export(int argc, char **argv);
int ctl_import(int argc, char **argv);

/* The flags that every command has; a command's own table starts with them. */
#define CTL_FLAGS                                                                                  \
	{.name = "server",                                                                         \
	 .arg = "URL",                                                                             \
	 .value = "http://127.0.0.1:8377",                                                         \
	 .text = "the service (also PREBUILDD_URL)"},                                              \
		{.name = "token-file", .arg = "FILE", .text = "file whose first line is a token"}, \
	{                                                                                          \
		.name = "json", .text = "JSON on standard output"                                  \
	}

/* Parses; returns false with the exit code in *code if the command is over (help, bad usage). */
bool ctl_parse(struct opts *o, int argc, char **argv, int *code);

/* The remote of the flags. */
int ctl_remote(struct opts *o, struct remote *r, struct err *e);

/* Prints "prebuildctl: message" unless e is empty, frees the opts and the remote (NULL: none), and
 * returns the exit code that e stands for. */
int ctl_end(struct opts *o, struct remote *r, const struct err *e);

/* --key, or PREBUILDD_KEY; NULL if neither is given. */
const char *ctl_key(struct opts *o);

/* The folder of the toolchains: --toolchains, or the user's cache. The caller frees it. */
char *ctl_toolchains_dir(struct opts *o);

/* A new folder below TMPDIR, or /tmp; NULL with e set. The caller removes it and frees its name. */
char *ctl_scratch(struct err *e);

/* Prints a document, indented, and frees it. */
struct json;
void ctl_print(struct json *v);

#endif
