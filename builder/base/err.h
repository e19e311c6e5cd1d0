/*
 * err.h - the one error space, and the message that travels with a code.
 *
 * A function that can fail returns int: 0 is success, negative is an error. System and libuv codes
 * are -errno; our own start below -20000. Detail travels in struct err, always the last argument
 * of what crosses a library boundary: the first writer sets it, callers add context. Every
 * function here accepts err == NULL.
 */
#ifndef BUILDER_BASE_ERR_H
#define BUILDER_BASE_ERR_H

/* X(constant, value, stable name, HTTP status, exit code of prebuildctl) */
#define ERR_CODES(X)                                        \
	X(ERR_USAGE, -20001, "usage", 400, 2)               \
	X(ERR_INVALID, -20002, "invalid", 400, 2)           \
	X(ERR_TOO_LARGE, -20003, "too-large", 413, 1)       \
	X(ERR_NOT_FOUND, -20004, "not-found", 404, 4)       \
	X(ERR_FORBIDDEN, -20005, "forbidden", 403, 5)       \
	X(ERR_UNAUTHORIZED, -20006, "unauthorized", 401, 5) \
	X(ERR_CONFLICT, -20007, "conflict", 409, 1)         \
	X(ERR_MALFORMED, -20008, "malformed", 422, 1)       \
	X(ERR_DIGEST, -20009, "digest-mismatch", 422, 1)    \
	X(ERR_LIMIT, -20010, "limit", 422, 1)               \
	X(ERR_UNREACHABLE, -20011, "unreachable", 502, 3)   \
	X(ERR_TIMEOUT, -20012, "timeout", 504, 1)           \
	X(ERR_CANCELLED, -20013, "cancelled", 409, 1)       \
	X(ERR_BUILD, -20014, "build-failed", 422, 1)        \
	X(ERR_AUDIT, -20015, "audit-failed", 422, 1)        \
	X(ERR_STALE, -20016, "stale-lease", 409, 1)         \
	X(ERR_BUSY, -20017, "busy", 503, 1)                 \
	X(ERR_UNSUPPORTED, -20018, "unsupported", 422, 1)   \
	X(ERR_INTERNAL, -20019, "internal", 500, 1)         \
	X(ERR_INTERRUPTED, -20020, "interrupted", 500, 130) \
	X(ERR_SIGNATURE, -20021, "bad-signature", 422, 1)

enum err_code {
#define X(constant, value, name, http, exit) constant = (value),
	ERR_CODES(X)
#undef X
};

/* A code and one line of text, without a newline, that says what failed and what to do. */
struct err {
	int code;
	char msg[512];
};

/* Stores code and text unless e already holds an error; returns the code that e holds then
 * (or code, if e is NULL), so that `return err_set(e, …)` is the usual form. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: text, ": ", strerror. `code` is -errno. */
int err_sys(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "text: " before the message. Returns e->code. */
int err_context(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Stable name ("not-found"; "system" for a system code), HTTP status and exit code of a code. */
const char *err_name(int code);
int err_http(int code);
int err_exit(int code);

/* The code that has this stable name, or ERR_INTERNAL. */
int err_from_name(const char *name);

#endif
