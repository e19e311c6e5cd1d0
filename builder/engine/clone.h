/*
 * clone.h - a git source on its way into the scratch folder: `prebuildd fetch-git` (git_program.h) in
 * the sandbox, and what it says of its end.
 */
#ifndef BUILDER_ENGINE_CLONE_H
#define BUILDER_ENGINE_CLONE_H

#include "builder/engine/run.h"
#include "builder/model/origin.h"
#include "builder/source/git.h"

struct toolchain;

/* Prepares the scratch folder and the command, whose callbacks are the caller's to fill in, and whose
 * env and argv to free. hosts: git_hosts.h's list, or NULL. Blocks for the copy of a program. */
int clone_prepare(const struct origin *origin, const char *hosts, const struct toolchain *toolchain,
		  const char *scratch, const struct job_limits *limits, struct run_spec *out,
		  struct err *e);

/* After the run: what was found, or the error that the program met, with its code. */
int clone_result(const char *scratch, struct git_found *found, struct err *e);

#endif
