/*
 * coverage.h - what is there and what is missing: each package with native code, for each target and ABI
 * that a deploy needs. A pure function of what was found out before.
 */
#ifndef BUILDER_NATIVES_COVERAGE_H
#define BUILDER_NATIVES_COVERAGE_H

#include "builder/natives/native.h"

struct json;

/* X(constant, name, does a deploy go on with it?) */
#define COVERAGE_STATES(X)                                                                         \
	X(COVERAGE_PUBLISHED, "published", true) /* the service has it */                          \
	X(COVERAGE_UPSTREAM, "upstream", true)   /* it was seen in what the lock file pins */      \
	X(COVERAGE_CLAIMED, "claimed", true)     /* it would come from a host that nobody asked */ \
	X(COVERAGE_BUILD, "build", true)         /* the service can build it */                    \
	X(COVERAGE_REQUESTED, "requested", true) /* … and was asked to */                        \
	X(COVERAGE_BUILT, "built", true)         /* … and has */                                 \
	X(COVERAGE_FAILED, "failed", false)                                                        \
	X(COVERAGE_NEITHER, "neither", false) /* nobody has it, and it cannot be built */

enum coverage_state {
#define X(constant, name, ready) constant,
	COVERAGE_STATES(X)
#undef X
};

const char *coverage_state_name(enum coverage_state state);
bool coverage_state_ready(enum coverage_state state);

struct coverage_row {
	const struct native *native;
	const struct target *target;
	struct abi abi; /* ABI_NODE with version 0: the one that the service chooses */
	enum coverage_state state;
	char *why;   /* who covers it, or why nobody does; NULL if there is nothing to say */
	char *build; /* the build that was requested for it, or NULL */
};

struct coverage {
	struct coverage_row *rows;
	size_t count;
};

struct coverage_wants {
	const struct target *const *targets;
	size_t target_count;
	/* For packages whose default is of the same kind, instead of that; none: the default. */
	const struct abi *abis;
	size_t abi_count;
	const struct json *can; /* "targets" of GET /v1/targets */
	const struct json
		*artifacts; /* an array of what is published, as GET /v1/artifacts says it */
};

/* Adds the rows of a package; none for a target for which npm would not install it. */
void coverage_add(struct coverage *p, const struct native *n, const struct coverage_wants *w);
void coverage_fini(struct coverage *p);

/* The body of POST /v1/builds for the rows of a package that can be built; NULL if there are none. */
struct json *coverage_request(const struct coverage *p, const struct native *n);

/* Takes over what became of them: `build` is the object of GET /v1/builds/{id}. */
void coverage_update(struct coverage *p, const struct native *n, const struct json *build);

/* The same if the request was refused. */
void coverage_refused(struct coverage *p, const struct native *n, const char *why);

/* "napi-v8", "node-v127", "V8" if the service chooses, "-" if there is no addon. */
void coverage_abi_text(struct abi abi, char out[ABI_TEXT_SIZE]);

/* One object a row. The caller frees it. */
struct json *coverage_json(const struct coverage *p);

#endif
