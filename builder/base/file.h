/*
 * file.h - files and folders: whole reads with a limit, atomic writes, trees.
 *
 * All paths are plain file system paths; all functions may block; every descriptor that is
 * opened is O_CLOEXEC.
 */
#ifndef BUILDER_BASE_FILE_H
#define BUILDER_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "builder/base/buf.h"
#include "builder/base/err.h"

/* Appends the file's bytes to out; ERR_TOO_LARGE if it has more than `limit`. */
int file_read(const char *path, size_t limit, struct buf *out, struct err *e);

/* The same for a path that a hostile program could write: a regular file, read without following
 * a link or waiting for a FIFO's other end; anything else is ERR_MALFORMED. The folders above it
 * are the caller's to trust. */
int file_read_regular(const char *path, size_t limit, struct buf *out, struct err *e);

/* temp → write → fsync → rename → fsync of the folder: either the old or the new content is
 * there, whatever happens. */
int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct err *e);

/* Writes without the care of the above: for scratch files that a crash may spoil. */
int file_write(const char *path, const void *data, size_t len, mode_t mode, struct err *e);

/* The same for a file below `root`, in folders that a hostile program could have replaced by links: none is
 * followed, in any component. path is relative, without "..". */
int
file_read_beneath(const char *root, const char *path, size_t limit, struct buf *out, struct err *e);

/* Writes such a file anew, in place of what is there; missing folders are made. */
int file_write_beneath(const char *root, const char *path, const void *data, size_t len,
		       mode_t mode, struct err *e);

/* Writes all of len to fd; 0 or -errno. */
int file_write_all(int fd, const void *data, size_t len);

/* Copies bytes into a new file at `to` (which must not exist). */
int file_copy(const char *from, const char *to, mode_t mode, struct err *e);

/* Creates path and its missing parents. */
int file_mkdirs(const char *path, mode_t mode, struct err *e);

/* Removes a file or a whole tree, never following a link; what is not there is no error. Folders
 * without permissions are made removable first. */
int file_remove_tree(const char *path, struct err *e);

/* Adds up what a tree occupies on disk, in bytes, and its number of entries; stops counting once
 * `limit` bytes are passed. Never follows links. Entries that vanish meanwhile are no error. */
void file_tree_usage(const char *path, uint64_t limit, uint64_t *bytes, uint64_t *entries);

/* fsync of a folder, so that a rename in it is durable. */
int file_sync_dir(const char *path, struct err *e);

int file_exists(const char *path);

#endif
