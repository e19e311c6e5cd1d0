/*
 * macho_check.h - the rules for macOS addons. An error and a warning mean what they mean for ELF files
 * (elf_check.h).
 *
 * The names of the rules are those of the interface; on macOS they stand for: needed - libraries that
 * do not come with macOS; symbols - what is looked up in whatever is loaded; libc-version - the oldest
 * macOS; execstack - memory that is writable and executable; align - segments on the kernel's pages;
 * debug-path - names of the machine that built it; signature - a signature that belongs to the bytes.
 */
#ifndef BUILDER_AUDIT_MACHO_CHECK_H
#define BUILDER_AUDIT_MACHO_CHECK_H

#include "builder/audit/macho_read.h"
#include "builder/audit/node_names.h"
#include "builder/audit/report.h"

/* One slice of a file. */
struct macho_check {
	const struct macho *macho;
	const unsigned char *data; /* of the slice */
	size_t len;
	struct node_names names;
	const struct target *target;
	struct abi abi; /* what was asked for */
	struct audit_report *report;
};

/* Judges a file: of a universal one the slice that is for the report's target, or its first if there is
 * none yet, is described, and all are judged. What cannot be read gives a finding. */
void macho_judge(const void *data, size_t len, struct abi abi, struct audit_report *r);

/* The target that a slice is for; NULL if it is none of ours. */
const struct target *macho_target(const struct macho *m);

/* macho_rules.c: all rules for a slice, but the machine. The order is that of their weight. */
void macho_check(const struct macho_check *c);

#endif
