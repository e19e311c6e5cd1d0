/*
 * git_program.h - `prebuildd fetch-git`: git_fetch (git.h) in a process of its own, because libgit2 keeps
 * process-wide settings and reads hostile bytes. The engine runs it in the sandbox. Not for users.
 *
 * Arguments: ORIGIN HOSTS RECEIVED BYTES ENTRIES DEPTH (git.h's limits; HOSTS may be empty). Works in
 * its current folder: writes the commit's tree to GIT_TREE, which must exist, and what became of it
 * to GIT_RESULT: {"commit","time"} or {"code","error"}.
 */
#ifndef BUILDER_SOURCE_GIT_PROGRAM_H
#define BUILDER_SOURCE_GIT_PROGRAM_H

#define GIT_TREE         "src"
#define GIT_REPOSITORIES "git"
#define GIT_RESULT       "git.json"
#define GIT_RESULT_MAX   4096

#endif
