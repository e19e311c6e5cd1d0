/*
 * git_parts.h - what the files of git.h share: one fetch, and its two halves, getting a repository's
 * commit and writing its tree.
 */
#ifndef BUILDER_SOURCE_GIT_PARTS_H
#define BUILDER_SOURCE_GIT_PARTS_H

#include <git2.h>

#include "builder/source/git.h"

/* One call of git_fetch. */
struct git {
	const char *scratch, *hosts;
	const struct git_limits *limits;
	uint64_t received_before; /* by repositories that are complete */
	uint64_t received;        /* by the one that is being fetched */
	uint64_t bytes, entries;
	unsigned repositories;
	struct err refused; /* what a callback of libgit2's ended the fetch for */
};

/* Fetches the commit that `ref` names into a new repository below scratch; its URL was checked. *repo and
 * *commit are the caller's to free. git_remote.c */
int git_get_commit(struct git *g, const char *url, const char *ref, git_repository **repo,
		   git_commit **commit, struct err *e);

/* Writes the tree of a commit into the folder open as `at`. name: its path in the package, "" for the
 * root. level: 0, and one more in each submodule. git_tree.c */
int git_write_tree(struct git *g, const char *url, git_repository *repo, git_commit *commit, int at,
		   const char *name, unsigned level, struct err *e);

/* The repository and the commit of a submodule, written into the folder `at`. git.c */
int git_write_submodule(struct git *g, const char *url, const char *commit, int at,
			const char *name, unsigned level, struct err *e);

/* An error of libgit2's with its own words, as far as they are printable. git_remote.c */
int git_failed(int code, struct err *e, const char *what);

#endif
