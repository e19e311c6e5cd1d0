/*
 * spool.h - a body in a temporary file, with its SHA-256 on the way. spool_write and spool_close
 * block and run on the pool; the others are for the loop thread, never at the same time. Internal
 * to api/http.
 */
#ifndef API_HTTP_SPOOL_H
#define API_HTTP_SPOOL_H

#include <stdint.h>

#include "builder/base/buf.h"
#include "builder/base/digest.h"

/* A piece is handed to the pool once it has this many bytes. */
#define SPOOL_PIECE (64 * 1024)

/* Plain data, {0} when unused. */
struct spool {
	char *path; /* NULL: none */
	int fd;     /* valid while path is set; -1 after spool_close */
	uint64_t size;
	struct buf piece; /* bytes that are not yet in the file */
	struct digest_stream stream;
	struct digest digest; /* after spool_close */
	int error;            /* of spool_write or spool_close: -errno; 0 */
};

/* Creates the file in dir. 0 or -errno. */
int spool_open(struct spool *s, const char *dir);

/* Writes the piece and empties it; sets error. */
void spool_write(struct spool *s);

/* Ends file and digest; sets error. */
void spool_close(struct spool *s);

/* Removes the file if it still has its name, and forgets it. */
void spool_remove(struct spool *s);

#endif
