/*
 * audit_sample.h - addons that nothing can be said against, to be changed in one thing, and short
 * ways to what an audit says of them.
 */
#ifndef TESTS_LIB_AUDIT_SAMPLE_H
#define TESTS_LIB_AUDIT_SAMPLE_H

#include "builder/audit/audit.h"
#include "builder/base/json.h"
#include "tests/lib/elf_build.h"

/* Targets of every kind that there can be, whichever the program was built with. */
extern const struct target sample_x64, sample_arm64, sample_armhf, sample_armv6, sample_s390x,
	sample_ia32, sample_musl, sample_musl_arm64, sample_riscv64, sample_ppc64le;

/* A Node-API addon for the target, which uses and declares version 6. */
struct elf_spec sample_good(const struct target *t);

/* An addon for V8 that registers itself from a constructor, with that number in its struct
 * node_module; `relative` is the machine's type of relative relocations. */
struct elf_spec sample_node(const struct target *t, unsigned abi, uint32_t relative);

/* The description's symbol of that name, which is there. */
struct elf_spec_symbol *sample_symbol(struct elf_spec *s, const char *name);

struct audit_report *sample_audit(const struct elf_spec *spec, const struct audit_request *req);

/* The report as JSON, which the caller frees; takes the report over. */
struct json *sample_report(struct audit_report *r);

/* The first finding of that rule, or NULL. */
const struct json *sample_finding(const struct json *report, const char *rule);

/* All findings as text, for messages; valid until the next call. */
const char *sample_findings(const struct json *report);

#endif
