/*
 * elf_layout.c - how the loader maps the file: segments, flags, relocations.
 */
#include <elf.h>
#include <string.h>

#include "builder/audit/elf_check.h"
#include "builder/base/mem.h"

/* First versions that understand DT_RELR: glibc 2.36; musl 1.2.4, which no floor states. */
#define RELR_GLIBC_MINOR 36

static void
check_rpath(const struct elf_check *c)
{
	const char *path = c->elf->runpath != NULL ? c->elf->runpath : c->elf->rpath;
	struct finding *f;

	if (path == NULL)
		return;
	f = report_add(c->report, RULE_RPATH, SEVERITY_ERROR);
	report_say(&f->expected, "no search path of its own");
	report_say(&f->found, "%s", path);
	report_say(&f->evidence, "%s", c->elf->runpath != NULL ? "DT_RUNPATH" : "DT_RPATH");
}

static void
check_executable(const struct elf_check *c)
{
	const struct elf *elf = c->elf;
	struct finding *f;

	if (!elf->has_gnu_stack || elf->exec_stack) {
		f = report_add(c->report, RULE_EXECSTACK, SEVERITY_ERROR);
		report_say(&f->expected, "PT_GNU_STACK without PF_X");
		if (elf->has_gnu_stack)
			report_say(&f->found, "an executable stack is asked for");
		else
			report_say(&f->found,
				   "no PT_GNU_STACK, which stands for an executable stack");
		report_say(&f->evidence, "glibc 2.41 and later refuse to load it");
	}
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *s = &elf->segments[i];

		if (s->type != PT_LOAD || (s->flags & (PF_W | PF_X)) != (PF_W | PF_X))
			continue;
		f = report_add(c->report, RULE_EXECSTACK, SEVERITY_ERROR);
		report_say(&f->expected, "no memory that is writable and executable");
		report_say(&f->found, "a writable and executable segment");
		report_say(&f->evidence, "segment %zu at offset 0x%llx, address 0x%llx", i,
			   (unsigned long long)s->offset, (unsigned long long)s->vaddr);
		break;
	}
}

/* The first relocation of what is mapped read-only. */
static bool
find_text_relocation(const struct elf_check *c, struct elf_reloc *out)
{
	const struct elf *elf = c->elf;

	for (size_t table = 0; table < ARRAY_SIZE(elf->relocs); table++) {
		for (size_t i = 0; i < elf->relocs[table].count; i++) {
			size_t k = 0;

			*out = elf_reloc_at(elf, c->data, table, i);
			while (k < elf->segment_count &&
			       (elf->segments[k].type != PT_LOAD ||
				out->offset < elf->segments[k].vaddr ||
				out->offset - elf->segments[k].vaddr >= elf->segments[k].memsz))
				k++;
			if (k < elf->segment_count && (elf->segments[k].flags & PF_W) == 0)
				return true;
		}
	}
	return false;
}

static void
check_textrel(const struct elf_check *c)
{
	const struct elf *elf = c->elf;
	const char *flag = (elf->dt_flags & DF_TEXTREL) != 0 ? "DF_TEXTREL" : "DT_TEXTREL";
	char place[ELF_PLACE_SIZE];
	struct elf_reloc reloc;
	struct finding *f;

	if (!elf->textrel)
		return;
	f = report_add(c->report, RULE_TEXTREL, SEVERITY_ERROR);
	report_say(&f->expected, "position independent code (-fPIC)");
	report_say(&f->found, "relocations in read-only segments");
	if (find_text_relocation(c, &reloc))
		report_say(&f->evidence, "%s; the first at %s%s%s", flag,
			   elf_place_of(elf, reloc.offset, place),
			   reloc.symbol > 0 ? " is for " : "",
			   reloc.symbol > 0 && reloc.symbol <= elf->symbol_count
				   ? elf->symbols[reloc.symbol - 1].name
				   : "");
	else
		report_say(&f->evidence, "%s", flag);
}

static void
check_relro(const struct elf_check *c)
{
	struct finding *f;

	if (c->elf->has_relro && c->elf->bind_now)
		return;
	f = report_add(c->report, RULE_RELRO, SEVERITY_WARNING);
	report_say(&f->expected, "PT_GNU_RELRO and DF_1_NOW (-z relro -z now)");
	if (c->elf->has_relro)
		report_say(&f->found, "no DF_1_NOW: addresses of functions stay writable");
	else
		report_say(&f->found, "no PT_GNU_RELRO: relocated data stays writable");
}

static bool
misaligned(const struct elf_segment *s, uint64_t page)
{
	return s->align < page || (s->align & (s->align - 1)) != 0 ||
	       ((s->offset - s->vaddr) & (s->align - 1)) != 0;
}

static void
check_align(const struct elf_check *c)
{
	uint64_t page = c->target->page_align > 0 ? c->target->page_align : 1;
	struct finding *f = NULL;
	size_t count = 0;

	for (size_t i = 0; i < c->elf->segment_count; i++) {
		const struct elf_segment *s = &c->elf->segments[i];

		if (s->type != PT_LOAD || !misaligned(s, page))
			continue;
		if (count++ > 0)
			continue;
		f = report_add(c->report, RULE_ALIGN, SEVERITY_ERROR);
		report_say(&f->expected,
			   "segments aligned to at least 0x%llx, with offset and address congruent",
			   (unsigned long long)page);
		report_say(&f->evidence, "segment %zu: p_offset 0x%llx, p_vaddr 0x%llx", i,
			   (unsigned long long)s->offset, (unsigned long long)s->vaddr);
		if (s->align < page)
			report_say(&f->found, "p_align 0x%llx", (unsigned long long)s->align);
		else
			report_say(&f->found, "p_offset and p_vaddr differ modulo p_align 0x%llx",
				   (unsigned long long)s->align);
	}
}

static void
check_eflags(const struct elf_check *c)
{
	const struct target *t = c->target;
	struct finding *f;

	if ((c->elf->flags & t->elf_flags_mask) == t->elf_flags_value)
		return;
	f = report_add(c->report, RULE_EFLAGS, SEVERITY_ERROR);
	report_say(&f->expected, "e_flags & 0x%x = 0x%x", t->elf_flags_mask, t->elf_flags_value);
	report_say(&f->found, "e_flags 0x%x", c->elf->flags);
	report_say(&f->evidence, "compiled for another calling convention than %s has", t->triple);
}

static bool
needs_version(const struct elf *elf, const char *version)
{
	for (size_t i = 0; i < elf->need_count; i++)
		if (strcmp(elf->needs[i].version, version) == 0)
			return true;
	return false;
}

static void
check_relr(const struct elf_check *c)
{
	bool marked = needs_version(c->elf, "GLIBC_ABI_DT_RELR");
	struct finding *f;

	if ((!c->elf->has_relr && !marked) ||
	    (c->target->libc == LIBC_GLIBC &&
	     (c->floor_major > 2 || c->floor_minor >= RELR_GLIBC_MINOR)))
		return;
	f = report_add(c->report, RULE_RELR, SEVERITY_ERROR);
	report_say(&f->expected, "relocations that %s %u.%u understands",
		   c->target->libc == LIBC_GLIBC ? "glibc" : "musl", c->floor_major,
		   c->floor_minor);
	report_say(&f->found, "packed relative relocations (glibc 2.36, musl 1.2.4)");
	report_say(&f->evidence, "%s%s%s", c->elf->has_relr ? "DT_RELR" : "",
		   c->elf->has_relr && marked ? ", " : "", marked ? "GLIBC_ABI_DT_RELR" : "");
}

/* Types of relocations for thread-local storage at a fixed place, and for descriptors of it. */
static const struct {
	uint16_t machine;
	uint32_t fixed[2], descriptor;
} tls_types[] = {
	{EM_X86_64, {R_X86_64_TPOFF64, R_X86_64_TPOFF64}, R_X86_64_TLSDESC},
	{EM_386, {R_386_TLS_TPOFF, R_386_TLS_TPOFF32}, R_386_TLS_DESC},
	{EM_AARCH64, {R_AARCH64_TLS_TPREL, R_AARCH64_TLS_TPREL}, R_AARCH64_TLSDESC},
	{EM_ARM, {R_ARM_TLS_TPOFF32, R_ARM_TLS_TPOFF32}, R_ARM_TLS_DESC},
	{EM_PPC64, {R_PPC64_TPREL64, R_PPC64_TPREL64}, UINT32_MAX},
	{EM_S390, {R_390_TLS_TPOFF, R_390_TLS_TPOFF}, UINT32_MAX},
	{EM_RISCV, {R_RISCV_TLS_TPREL32, R_RISCV_TLS_TPREL64}, UINT32_MAX},
};

/* What thread-local relocations there are, and where the first of each kind is. */
struct tls {
	bool fixed, descriptors;
	uint64_t fixed_at, descriptor_at;
};

/* Looks for both kinds among the relocations, past those that are known to be of neither. */
static void
find_tls(const struct elf_check *c, struct tls *out)
{
	const struct elf *elf = c->elf;
	size_t t = 0;

	while (t < ARRAY_SIZE(tls_types) && tls_types[t].machine != elf->machine)
		t++;
	if (t == ARRAY_SIZE(tls_types))
		return;
	for (size_t table = 0; table < ARRAY_SIZE(elf->relocs); table++) {
		size_t i = table < ARRAY_SIZE(elf->relative_count) ? elf->relative_count[table] : 0;

		for (; i < elf->relocs[table].count; i++) {
			struct elf_reloc r = elf_reloc_at(elf, c->data, table, i);

			if (!out->fixed &&
			    (r.type == tls_types[t].fixed[0] || r.type == tls_types[t].fixed[1])) {
				out->fixed = true;
				out->fixed_at = r.offset;
			} else if (!out->descriptors && r.type == tls_types[t].descriptor) {
				out->descriptors = true;
				out->descriptor_at = r.offset;
			}
		}
	}
}

static void
check_tls(const struct elf_check *c)
{
	char place[ELF_PLACE_SIZE];
	struct tls tls = {0};
	struct finding *f;
	bool own = false;

	for (size_t i = 0; i < c->elf->segment_count; i++)
		own |= c->elf->segments[i].type == PT_TLS && c->elf->segments[i].memsz > 0;
	if (own)
		find_tls(c, &tls);
	if (tls.fixed || c->elf->static_tls) {
		/* Without variables of its own it refers to those of the program, which have a
		 * fixed place anyway. */
		f = report_add(c->report, RULE_TLS, own ? SEVERITY_ERROR : SEVERITY_WARNING);
		report_say(&f->expected,
			   "thread-local variables that can be allocated at any time");
		report_say(&f->found,
			   "thread-local variables at a fixed place: loading fails when "
			   "the space that was reserved at start is used up%s",
			   c->target->libc == LIBC_MUSL ? ", with musl always" : "");
		report_say(&f->evidence, "%s%s%s",
			   c->elf->static_tls ? "DF_STATIC_TLS" : "a relocation of that type",
			   tls.fixed ? " at " : "",
			   tls.fixed ? elf_place_of(c->elf, tls.fixed_at, place) : "");
	}
	if (tls.descriptors && (c->elf->machine == EM_X86_64 || c->elf->machine == EM_386) &&
	    c->target->libc == LIBC_GLIBC) {
		f = report_add(c->report, RULE_TLS, SEVERITY_WARNING);
		report_say(&f->expected, "-mtls-dialect=gnu");
		report_say(&f->found, "thread-local descriptors: glibc before 2.40 does not keep "
				      "vector registers over their calls");
		report_say(&f->evidence, "a relocation of type TLSDESC at %s",
			   elf_place_of(c->elf, tls.descriptor_at, place));
	}
}

void
elf_check_layout(const struct elf_check *c)
{
	check_rpath(c);
	check_executable(c);
	check_textrel(c);
	check_relro(c);
	check_align(c);
	check_eflags(c);
	check_relr(c);
	check_tls(c);
}
