/*
 * elf_check.h - the rules for ELF files. Each function looks at one part of a file and adds what
 * it finds to the report.
 *
 * A rule is an error if the file does not load, or may do something else than it should, on a
 * machine of the target; it is a warning if the file works but is weaker, larger or less clean
 * than it could be. The gate publishes what has no errors.
 */
#ifndef BUILDER_AUDIT_ELF_CHECK_H
#define BUILDER_AUDIT_ELF_CHECK_H

#include <string.h>

#include "builder/audit/elf_read.h"
#include "builder/audit/report.h"

struct elf_check {
	const struct elf *elf;
	const unsigned char *data;
	size_t len;
	const struct target *target;
	struct abi abi; /* what was asked for */
	unsigned floor_major, floor_minor;
	/* The floor is that of one system, not the target's: its libstdc++ may be needed too. */
	bool one_system;
	struct audit_report *report;
};

static inline bool
starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* All rules, for a file that was read. The order is that of their weight. */
void elf_check(const struct elf_check *c);

/* elf_needs.c. The first fills the report's libs, glibc and glibcxx and needs no target; the
 * others are the rules needed, libc-version and symbols. */
void elf_measure_needs(const struct elf *elf, struct audit_report *r);
void elf_check_needed(const struct elf_check *c);
void elf_check_versions(const struct elf_check *c);
void elf_check_symbols(const struct elf_check *c);

/* elf_cxx.c: the rule symbols, as far as it is about the C++ runtime. */
void elf_check_cxx(const struct elf_check *c);

/* elf_entry.c. The first fills the report's abi and needs no target; then rules entry and napi. */
void elf_measure_entry(const struct elf *elf, const void *data, size_t len, struct audit_report *r);
void elf_check_entry(const struct elf_check *c);
void elf_check_napi(const struct elf_check *c);

/* elf_layout.c: execstack, textrel, relro, align, eflags, rpath, relr, tls. */
void elf_check_layout(const struct elf_check *c);

/* elf_isa.c: isa. */
void elf_check_isa(const struct elf_check *c);

/* elf_exports.c: exports. */
void elf_check_exports(const struct elf_check *c);

/* elf_paths.c: debug-path. */
void elf_check_paths(const struct elf_check *c);

/* elf_place.c: where that stands, for a finding's evidence: "offset 0x1a20 in .rodata" of an offset in
 * the file, "0x2a20 (offset 0x1a20 in .text)" of a virtual address. Returns out. */
#define ELF_PLACE_SIZE 128
const char *elf_place(const struct elf *elf, uint64_t offset, char out[ELF_PLACE_SIZE]);
const char *elf_place_of(const struct elf *elf, uint64_t vaddr, char out[ELF_PLACE_SIZE]);

/* elf_target.c: the target that a file is for; NULL if it is none of ours. */
const struct target *elf_target(const struct elf *elf);

/* The number of the target's ARM architecture, 0 if it is none of 32 bits: "armv7-…" says it, and
 * "arm-…" is what runs on every Raspberry Pi, ARMv6. */
unsigned elf_target_arm_arch(const struct target *t);

#endif
