/*
 * elf_target.c - which target a file is for, by what it says itself.
 */
#include <elf.h>

#include "builder/audit/elf_check.h"
#include "builder/audit/musl.h"

enum libc_hint { HINT_NONE, HINT_GLIBC, HINT_MUSL, HINT_OTHER };

/* By what is needed, by name. Android's libc.so is told from musl's by its symbol versions, which
 * only count if it is the C library that is to have them: libgcc_s has a GLIBC_2.0 everywhere. */
static enum libc_hint
libc_by_needs(const struct elf *elf)
{
	enum libc_hint hint = HINT_NONE;

	for (size_t i = 0; i < elf->needed_count; i++) {
		const char *soname = elf->needed[i];

		if (strcmp(soname, "libc.so.6") == 0 || starts_with(soname, "ld-linux"))
			return HINT_GLIBC;
		if (strcmp(soname, "libc.so") == 0 || starts_with(soname, "libc.musl-") ||
		    starts_with(soname, "ld-musl-"))
			hint = HINT_MUSL;
	}
	for (size_t i = 0; i < elf->need_count; i++) {
		if (strcmp(elf->needs[i].version, "LIBC") == 0)
			return HINT_OTHER;
		if (hint == HINT_NONE && starts_with(elf->needs[i].version, "GLIBC_"))
			hint = HINT_GLIBC;
	}
	return hint;
}

/* A file that names no library: functions of the C library without a version are musl's. */
static bool
uses_plain_libc(const struct elf *elf)
{
	for (size_t i = 0; i < elf->symbol_count; i++) {
		const struct elf_symbol *s = &elf->symbols[i];

		if (!s->defined && s->version == NULL && s->binding != STB_WEAK &&
		    musl_since(s->name, elf->machine) > 0)
			return true;
	}
	return false;
}

unsigned
elf_target_arm_arch(const struct target *t)
{
	if (t->elf_machine != EM_ARM)
		return 0;
	return starts_with(t->triple, "armv7") ? 7 : 6;
}

const struct target *
elf_target(const struct elf *elf)
{
	enum libc_hint hint = libc_by_needs(elf);
	const struct target *best = NULL;
	enum libc libc;

	if (hint == HINT_OTHER)
		return NULL;
	libc = hint == HINT_MUSL || (hint == HINT_NONE && uses_plain_libc(elf)) ? LIBC_MUSL
										: LIBC_GLIBC;
	for (size_t i = 0; i < target_count(); i++) {
		const struct target *t = target_at(i);

		if (t->libc != libc || t->elf_class != elf->class || t->elf_data != elf->data ||
		    t->elf_machine != elf->machine ||
		    (elf->flags & t->elf_flags_mask) != t->elf_flags_value)
			continue;
		/* Code for ARMv7 is for that target, if there is one; the rest is for the first. */
		if (best == NULL || (elf->arm_arch > elf_target_arm_arch(best) &&
				     elf_target_arm_arch(t) > elf_target_arm_arch(best)))
			best = t;
	}
	return best;
}
