/*
 * plan.h - from a package's evaluated binding.gyp (plan.py's JSON) and a toolchain's description to
 * ordered steps. Pure: JSON and data in, command lines out; nothing is run or looked up.
 *
 * The package's own flags are honoured; what portability and safety need is added after them, and
 * the few flags that clang does not know or that tie the binary to the build machine are dropped
 * by name (plan.dropped). What cannot be expressed (custom rules, host tools) is refused by name.
 */
#ifndef BUILDER_PLAN_PLAN_H
#define BUILDER_PLAN_PLAN_H

#include <stddef.h>

#include "builder/base/err.h"
#include "builder/base/strv.h"
#include "builder/model/abi.h"

struct json;
struct toolchain;

/* Paths inside the sandbox, the same on every machine: part of what makes builds reproducible.
 * plan.py writes the same ones. */
#define PLAN_WORK    "/work"
#define PLAN_SOURCE  "/work/src"
#define PLAN_OBJECTS "/work/obj"
#define PLAN_GEN     "/work/gen"
#define PLAN_OUT     "/work/out"
#define PLAN_EXPORTS "/work/exports.map"

#define PLAN_STEPS_MAX 4000

enum step_kind { STEP_ACTION, STEP_COPY, STEP_COMPILE, STEP_ARCHIVE, STEP_LINK, STEP_STRIP };

struct step {
	enum step_kind kind;
	char *label; /* "compile src/database.cc" */
	char *cwd;
	char *input; /* the source of a compile, absolute in the sandbox; else NULL */
	struct strv argv;
	size_t *needs; /* indices of steps that must have ended before */
	size_t need_count;
};

struct plan {
	struct step *steps; /* each after all that it needs */
	size_t count;
	char *addon;         /* file name of the result: "node_sqlite3.node", in PLAN_OUT */
	struct strv dropped; /* flags of the package that were left out */
};

/* The version script that PLAN_EXPORTS must hold: only an addon's entry points leave it. */
extern const char plan_exports[];

/* An addon for a Node ABI exchanges C++ objects with Node, and gets the C++ library that Node has; a
 * Node-API addon is C at the border, and gets the toolchain's own. ERR_UNSUPPORTED names what cannot be built this way; ERR_BUILD says what is wrong with the
 * package's description. */
int plan_make(const struct json *gyp, const struct toolchain *toolchain, struct abi abi,
	      struct plan *out, struct err *e);
void plan_fini(struct plan *plan);

/* [{"step", "cwd", "argv": […]}, …] for provenance; the caller frees it. */
struct json *plan_commands(const struct plan *plan);

#endif
