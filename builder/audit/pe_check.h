/*
 * pe_check.h - the rules for Windows DLLs. An error and a warning mean what they mean for ELF files
 * (elf_check.h).
 *
 * The names of the rules are those of the interface; on Windows they stand for: needed - imported
 * DLLs; symbols - how functions of Node are imported; libc-version - the version of Windows;
 * execstack - memory that is writable and executable, and no-execute; textrel - a DLL that cannot be
 * moved; relro - the flags of address space layout randomisation; align - sections that share pages;
 * debug-path - the path of the debug data and the time of the build.
 */
#ifndef BUILDER_AUDIT_PE_CHECK_H
#define BUILDER_AUDIT_PE_CHECK_H

#include "builder/audit/node_names.h"
#include "builder/audit/pe_read.h"
#include "builder/audit/report.h"

struct pe_check {
	const struct pe *pe;
	struct node_names names; /* by pe_names */
	const unsigned char *data;
	size_t len;
	const struct target *target;
	struct abi abi; /* what was asked for */
	struct audit_report *report;
};

/* pe_entry.c: what a file offers, and what it takes from Node; the caller frees it. */
void pe_names(const struct pe *pe, struct node_names *out);

/* pe_entry.c: fills the report's libs and abi; needs no target. */
void pe_measure(const struct pe_check *c);

/* The target that a file is for; NULL if it is none of ours. */
const struct target *pe_target(const struct pe *pe);

/* All rules, for a file that was read. The order is that of their weight. */
void pe_check(const struct pe_check *c);

/* pe_entry.c: the rule symbols. */
void pe_check_symbols(const struct pe_check *c);

/* pe_entry.c: is this the file that Node's functions are imported from? */
bool pe_is_node(const char *dll);

#endif
