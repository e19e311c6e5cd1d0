/*
 * download.h - files that a service has published, taken from it only once their digest and signature are
 * what they must be.
 */
#ifndef BUILDER_CLI_DOWNLOAD_H
#define BUILDER_CLI_DOWNLOAD_H

#include "builder/base/err.h"
#include "builder/model/name.h"
#include "builder/signature/minisign.h"

struct remote;

/* The key that was given, or, for NULL, the service's own word for it, with a warning. */
int
download_key(const struct remote *r, const char *given, struct minisign_key *key, struct err *e);

/* Saves what is published at path, which is that of the name. What was there before stays until it is
 * verified. */
int download_file(const struct remote *r, const struct name *n, const char *path, const char *file,
		  const struct minisign_key *key, struct err *e);

/* Saves the documents beside it, as FILE.minisig and FILE.provenance.json. */
int download_documents(const struct remote *r, const char *path, const char *file, struct err *e);

#endif
