/*
 * signed.h - what `fetch` and `verify` check of a file: its signature, and the provenance beside it.
 */
#ifndef BUILDER_CLI_SIGNED_H
#define BUILDER_CLI_SIGNED_H

#include "builder/base/digest.h"
#include "builder/base/err.h"
#include "builder/model/name.h"
#include "builder/signature/minisign.h"

struct json;

/* Checks FILE against FILE.minisig. out gets the signature if it is good. ERR_NOT_FOUND if one of the two
 * is not there. */
int
signed_check(const char *file, const struct minisign_key *key, struct minisign *out, struct err *e);

/* Checks an open file, called `name` in errors, against the text of a signature. */
int signed_check_text(int fd, const char *name, const char *text, size_t len,
		      const struct minisign_key *key, struct minisign *out, struct err *e);

/* Was it made for this file: of that name, package and version, and with those bytes? */
int signed_check_name(const struct minisign *s, const char *file, const struct name *n,
		      const struct digest *digest, struct err *e);

/* Checks FILE.provenance.json and that it is about FILE; *statement, which the caller frees, is what it
 * says. */
int signed_provenance(const char *file, const struct minisign_key *key, struct json **statement,
		      struct err *e);

#endif
