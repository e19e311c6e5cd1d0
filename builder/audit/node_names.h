/*
 * node_names.h - what an addon offers to Node and takes from it, by name: the rules entry, napi and
 * exports for formats in which a file says from whom it takes each name (PE, Mach-O). In ELF files
 * nothing says it; elf_entry.c and elf_exports.c have these rules for them.
 */
#ifndef BUILDER_AUDIT_NODE_NAMES_H
#define BUILDER_AUDIT_NODE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "builder/audit/report.h"

/* The names are somebody else's and must live as long. Start with {0}, end with node_names_fini. */
struct node_names {
	const char **offers; /* what others can find in the file */
	size_t offer_count;
	const char **takes; /* of Node */
	size_t take_count;
};
void node_names_offer(struct node_names *n, const char *name);
void node_names_take(struct node_names *n, const char *name);
void node_names_fini(struct node_names *n);

/* Fills the report's abi and napi_used; napi_declared must be known before. */
void node_names_measure(const struct node_names *n, struct audit_report *r);

/* The rules, for an addon of which `want` was asked for. */
void node_names_check_entry(const struct node_names *n, struct abi want, struct audit_report *r);
void node_names_check_napi(const struct node_names *n, struct abi want, struct audit_report *r);
void node_names_check_exports(const struct node_names *n, struct audit_report *r);

/* Is that a C++ name (Itanium ABI) in a namespace that Node exports: _ZN2v8…, _ZNK4node…, also behind
 * what marks tables, type information and thunks? */
bool node_is_cxx(const char *name);

#endif
