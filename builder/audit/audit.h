/*
 * audit.h - does this file run on that target? One answer for the gate, for `prebuildctl check`,
 * for /v1/check and for the report that is stored with every artifact.
 *
 * An answer is not a failure: a file that is refused has findings; a function here fails only if
 * it cannot say anything.
 */
#ifndef BUILDER_AUDIT_AUDIT_H
#define BUILDER_AUDIT_AUDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "builder/base/err.h"
#include "builder/model/abi.h"
#include "builder/model/target.h"

struct json;
struct strv;

/* X(constant, name): the rule names of the interface. */
#define AUDIT_RULES(X)                       \
	X(RULE_FORMAT, "format")             \
	X(RULE_MACHINE, "machine")           \
	X(RULE_CLASS, "class")               \
	X(RULE_ENTRY, "entry")               \
	X(RULE_NAPI, "napi")                 \
	X(RULE_SYMBOLS, "symbols")           \
	X(RULE_NEEDED, "needed")             \
	X(RULE_LIBC_VERSION, "libc-version") \
	X(RULE_RPATH, "rpath")               \
	X(RULE_EXECSTACK, "execstack")       \
	X(RULE_TEXTREL, "textrel")           \
	X(RULE_RELRO, "relro")               \
	X(RULE_ALIGN, "align")               \
	X(RULE_EFLAGS, "eflags")             \
	X(RULE_ISA, "isa")                   \
	X(RULE_EXPORTS, "exports")           \
	X(RULE_RELR, "relr")                 \
	X(RULE_TLS, "tls")                   \
	X(RULE_DEBUG_PATH, "debug-path")     \
	X(RULE_SIGNATURE, "signature")

enum audit_rule {
#define X(constant, name) constant,
	AUDIT_RULES(X)
#undef X
		RULE_COUNT
};

const char *audit_rule_name(enum audit_rule rule);

/* Opaque: the facts and findings of one file. */
struct audit_report;

/*
 * Audits bytes against a target; target NULL means: say what the file is, and judge it against
 * the target that it is for. `abi` with kind ABI_NONE accepts any. `floor` overrides the
 * target's when its major number is not 0 (used by `check --target host`); it then stands for one
 * system, whose libstdc++ and libgcc may be needed up to what came with that glibc, while a file
 * for a target in general must bring its C++ runtime. Never fails: bytes
 * that cannot be read give a report with a `format` finding. The caller frees the report. The
 * report does not keep pointers into data. Pure.
 */
struct audit_request {
	const struct target *target;
	struct abi abi;
	unsigned floor_major, floor_minor;
	const char *file; /* name to print, copied */
};
struct audit_report *audit_bytes(const void *data, size_t len, const struct audit_request *req);
void audit_free(struct audit_report *r);

bool audit_passed(const struct audit_report *r);

/* The object that `check --json` prints for one file: file, format, target, verdict, abi, needs
 * {glibc,glibcxx,macos,libs}, runs_on {systems, node}, findings[{rule,severity,expected,found,evidence}], load {ran:false}. abi of kind "napi" also has
 * used and declared (null: not decoded); kind and version are null if they are not known. The
 * caller frees it. */
struct json *audit_json(const struct audit_report *r);

/* One line for a job's error: the first error finding, "libc-version: needs GLIBC_2.38 …"; "" if
 * there is none. It lives as long as the report. */
const char *audit_summary(const struct audit_report *r);

/* The symbols that the first error is about, as far as it is about some that the file needs: for who
 * has its object files and can say which of them refers to those. They live as long as the report. */
const struct strv *audit_blamed(const struct audit_report *r);

#endif
