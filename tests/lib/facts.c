#include "tests/lib/facts.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

static const char *
segment_name(uint32_t type)
{
	switch (type) {
	case PT_LOAD:
		return "LOAD";
	case PT_DYNAMIC:
		return "DYNAMIC";
	case PT_INTERP:
		return "INTERP";
	case PT_NOTE:
		return "NOTE";
	case PT_TLS:
		return "TLS";
	case PT_GNU_EH_FRAME:
		return "GNU_EH_FRAME";
	case PT_GNU_STACK:
		return "GNU_STACK";
	case PT_GNU_RELRO:
		return "GNU_RELRO";
	default:
		return NULL;
	}
}

static void
print_segments(const struct elf *elf)
{
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *s = &elf->segments[i];

		if (segment_name(s->type) != NULL)
			printf("segment %s offset %llx vaddr %llx filesz %llx memsz %llx align %llx "
			       "flags %s%s%s\n",
			       segment_name(s->type), (unsigned long long)s->offset,
			       (unsigned long long)s->vaddr, (unsigned long long)s->filesz,
			       (unsigned long long)s->memsz, (unsigned long long)s->align,
			       (s->flags & PF_R) != 0 ? "R" : "", (s->flags & PF_W) != 0 ? "W" : "",
			       (s->flags & PF_X) != 0 ? "E" : "");
	}
}

static void
print_symbols(const struct elf *elf)
{
	static const char *const types[16] = {"NOTYPE", "OBJECT", "FUNC", "SECTION",
					      "FILE",   "COMMON", "TLS",  [10] = "IFUNC"};
	static const char *const bindings[16] = {"LOCAL", "GLOBAL", "WEAK", [10] = "UNIQUE"};
	static const char *const visibilities[] = {"DEFAULT", "INTERNAL", "HIDDEN", "PROTECTED"};

	for (size_t i = 0; i < elf->symbol_count; i++) {
		const struct elf_symbol *s = &elf->symbols[i];

		if (s->type == STT_SECTION) /* readelf prints the section's name */
			continue;
		/* readelf changes to hexadecimal where the column gets too narrow. */
		printf(s->size > 99999 ? "symbol %llx 0x%llx" : "symbol %llx %llu",
		       (unsigned long long)s->value, (unsigned long long)s->size);
		printf(" %s %s %s %s %s", types[s->type] != NULL ? types[s->type] : "?",
		       bindings[s->binding] != NULL ? bindings[s->binding] : "?",
		       visibilities[s->visibility], s->defined ? "DEF" : "UND", s->name);
		/* The symbol that stands for a version is not of that version. */
		if (s->version != NULL && strcmp(s->name, s->version) != 0)
			printf("%s%s", s->defined && !s->hidden_version ? "@@" : "@", s->version);
		putchar('\n');
	}
}

/* readelf's words for the machines that tests meet. */
static void
print_machine(const struct elf *elf)
{
	static const struct {
		uint16_t machine;
		const char *name;
	} names[] = {
		{EM_386, "Intel 80386"}, {EM_MIPS, "MIPS R3000"},
		{EM_PPC64, "PowerPC64"}, {EM_S390, "IBM S/390"},
		{EM_ARM, "ARM"},         {EM_X86_64, "Advanced Micro Devices X86-64"},
		{EM_AARCH64, "AArch64"}, {EM_RISCV, "RISC-V"},
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].machine == elf->machine) {
			printf("machine %s\n", names[i].name);
			return;
		}
	printf("machine number %u\n", elf->machine);
}

static void
print_header(const struct elf *elf)
{
	static const char *const types[] = {"NONE", "REL", "EXEC", "DYN", "CORE"};

	printf("class ELF%d\ndata %s\nflags 0x%x\nentry 0x%llx\n",
	       elf->class == ELFCLASS64 ? 64 : 32, elf->data == ELFDATA2MSB ? "big" : "little",
	       elf->flags, (unsigned long long)elf->entry);
	printf("osabi %s\n", elf->osabi == ELFOSABI_NONE  ? "UNIX - System V"
			     : elf->osabi == ELFOSABI_GNU ? "UNIX - GNU"
							  : "?");
	printf("type %s\n", elf->type <= ET_CORE ? types[elf->type] : "?");
	print_machine(elf);
}

static void
print_sections(const struct elf *elf)
{
	for (size_t i = 0; i < elf->section_count; i++) {
		const struct elf_section *s = &elf->sections[i];

		printf("section %zu [%s] addr %llx offset %llx size %llx\n", i, s->name,
		       (unsigned long long)s->addr, (unsigned long long)s->offset,
		       (unsigned long long)s->size);
	}
}

void
facts_reloc(const struct elf *elf, const struct elf_reloc *r, bool addend)
{
	bool wide = elf->class == ELFCLASS64;
	int64_t value = wide ? (int64_t)r->addend : (int32_t)r->addend;

	if (elf->machine == EM_MIPS)
		return;
	printf("reloc %llx %llx", (unsigned long long)r->offset,
	       (unsigned long long)r->symbol << (wide ? 32 : 8) | r->type);
	if (addend)
		printf(value < 0 ? " -%llx" : " %llx",
		       value < 0 ? -(unsigned long long)value : (unsigned long long)value);
	putchar('\n');
}

void
facts_file(const char *path)
{
	printf("file %s\n", path);
}

void
facts_print(const struct elf *elf)
{
	print_header(elf);
	print_segments(elf);
	for (size_t i = 0; i < elf->needed_count; i++)
		printf("needed %zu [%s]\n", i + 1, elf->needed[i]);
	if (elf->soname != NULL)
		printf("soname [%s]\n", elf->soname);
	if (elf->rpath != NULL)
		printf("rpath [%s]\n", elf->rpath);
	if (elf->runpath != NULL)
		printf("runpath [%s]\n", elf->runpath);
	if (elf->textrel)
		printf("is textrel\n");
	if (elf->bind_now)
		printf("is bind-now\n");
	if (elf->static_tls)
		printf("is static-tls\n");
	if (elf->has_relr)
		printf("has relr\n");
	if (elf->has_hash)
		printf("has hash\n");
	if (elf->has_gnu_hash)
		printf("has gnu-hash\n");
	if (elf->has_init)
		printf("has init\n");
	if (elf->has_debug_info)
		printf("has debug-info\n");
	if (elf->interp != NULL)
		printf("interp %s\n", elf->interp);
	if (elf->build_id != NULL)
		printf("build-id %s\n", elf->build_id);
	for (size_t i = 0; i < elf->need_count; i++)
		printf("version %s %s%s\n", elf->needs[i].file, elf->needs[i].version,
		       elf->needs[i].weak ? " WEAK" : "");
	for (size_t table = 0; table < 3; table++)
		if (elf->relocs[table].count > 0)
			printf("relocs %zu\n", elf->relocs[table].count);
	print_sections(elf);
	print_symbols(elf);
}
