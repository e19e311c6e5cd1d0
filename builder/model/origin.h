/*
 * origin.h - where a source comes from, if not from the registry: a git repository or an upload.
 *
 * What is built from such a source never has the name of the registry's package: its version gets
 * build metadata that says which commit or which bytes it is, "6.0.1+git.0123456789ab" or
 * "6.0.1+src.0123456789ab". The registry has no such versions, since npm drops what is behind the
 * '+' when a package is published.
 */
#ifndef BUILDER_MODEL_ORIGIN_H
#define BUILDER_MODEL_ORIGIN_H

#include <stdbool.h>

#include "builder/base/digest.h"
#include "builder/base/err.h"
#include "builder/model/package.h"

#define ORIGIN_URL_MAX  500
#define ORIGIN_REF_MAX  200
#define ORIGIN_COMMIT   40 /* hex digits of a commit */
#define ORIGIN_PIN_SIZE (4 + DIGEST_HEX_SIZE)

enum origin_kind { ORIGIN_REGISTRY, ORIGIN_GIT, ORIGIN_UPLOAD };

struct origin {
	enum origin_kind kind;
	char url[ORIGIN_URL_MAX + 1]; /* of git: http or https, without a user or a password */
	char ref[ORIGIN_REF_MAX + 1]; /* a branch, a tag or a whole commit */
	char digest[DIGEST_HEX_SIZE]; /* of an upload */
};

/* Checks what a client asks for. "git+" before the URL is dropped; ref NULL is the repository's own
 * default. ERR_INVALID or ERR_UNSUPPORTED; the URL is not repeated in the message, since what is
 * refused may hold a password. */
int origin_git(const char *url, const char *ref, struct origin *out, struct err *e);
/* "sha256:…" */
int origin_upload(const char *digest, struct origin *out, struct err *e);

/* "" for the registry, "git+URL#REF", "sha256:…"; the caller frees it. */
char *origin_text(const struct origin *o);
/* The reverse, with the same checks. */
int origin_parse(const char *text, struct origin *out, struct err *e);

/* Is it a whole commit, in lower case? */
bool origin_is_commit(const char *ref);

/* What exactly it is, if the origin says so itself: "git:COMMIT", "src:SHA256"; a branch or a tag
 * does not. */
bool origin_pin(const struct origin *o, char pin[ORIGIN_PIN_SIZE]);

/* `base` with the pin as build metadata, or with "git" alone as long as pin is NULL. ERR_INVALID if
 * that is no version. */
int
origin_version(const char *base, const char *pin, char out[PACKAGE_VERSION_MAX + 1], struct err *e);

/* The reverse: what stood before that. */
void origin_base(const char *version, char out[PACKAGE_VERSION_MAX + 1]);

/* Does the version belong to such a source? Then it does not come from the registry. */
bool origin_is_pinned(const char *version);

#endif
