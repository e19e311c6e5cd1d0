#include "builder/audit/elf_read.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "tests/lib/elf_build.h"
#include "tests/lib/test.h"

#define FILE_SIZE_MAX (16u * 1024 * 1024)

/* Reads a copy of exactly that size, so that a read past its end is seen. */
static int
read_copy(const void *data, size_t len, struct err *e)
{
	char *copy = xmalloc(len);
	struct elf elf;
	int rc;

	memcpy(copy, data, len);
	rc = elf_read(copy, len, &elf, e);
	if (rc == 0) {
		size_t sum = 0;

		for (size_t i = 0; i < elf.symbol_count; i++)
			sum += strlen(elf.symbols[i].name);
		for (size_t i = 0; i < elf.need_count; i++)
			sum += strlen(elf.needs[i].file) + strlen(elf.needs[i].version);
		for (size_t i = 0; i < elf.needed_count; i++)
			sum += strlen(elf.needed[i]);
		for (size_t i = 0; i < elf.section_count; i++)
			sum += strlen(elf.sections[i].name);
		for (size_t table = 0; table < 3; table++)
			for (size_t i = 0; i < elf.relocs[table].count; i++)
				sum += elf_reloc_at(&elf, copy, table, i).symbol;
		CHECK(sum < SIZE_MAX);
		elf_fini(&elf);
	}
	free(copy);
	return rc;
}

static struct elf_spec
sample(unsigned char class, unsigned char data, uint16_t machine)
{
	return (struct elf_spec){
		.class = class,
		.data = data,
		.type = ET_DYN,
		.machine = machine,
		.flags = 0x5000400,
		.align = 0x1000,
		.needed = {"libm.so.6", "libc.so.6"},
		.soname = "sample.node",
		.symbols = {{.name = "first", .defined = true},
			    {.name = "memcpy", .version = "GLIBC_2.17", .file = "libc.so.6"},
			    {.name = "plain"},
			    {.name = "maybe",
			     .weak = true,
			     .version = "GLIBC_2.34",
			     .file = "libm.so.6"},
			    {.name = "second", .defined = true, .looked_up = true}},
		.dt_flags = DF_BIND_NOW,
		.relocs = {5},
		.init = true,
	};
}

static const struct elf_symbol *
find(const struct elf *elf, const char *name)
{
	for (size_t i = 0; i < elf->symbol_count; i++)
		if (strcmp(elf->symbols[i].name, name) == 0)
			return &elf->symbols[i];
	return NULL;
}

static void
check_sample(const struct elf_spec *spec, const struct buf *file)
{
	const struct elf_symbol *s;
	struct err e = {0};
	struct elf elf;
	uint64_t at;

	if (!CHECK_MSG(elf_read(file->data, file->len, &elf, &e) == 0, "machine %u: %s",
		       spec->machine, e.msg))
		return;
	CHECK_INT(elf.class, spec->class);
	CHECK_INT(elf.data, spec->data);
	CHECK_INT(elf.machine, spec->machine);
	CHECK_INT(elf.type, ET_DYN);
	CHECK_INT(elf.flags, 0x5000400);
	CHECK_INT((int64_t)elf.segment_count, 5);
	CHECK(elf.has_gnu_stack && !elf.exec_stack && elf.has_relro);
	CHECK(elf.has_dynamic && elf.bind_now && elf.has_init);
	CHECK(!elf.textrel && !elf.static_tls && !elf.has_relr);
	CHECK(elf.has_hash == !spec->gnu_hash);
	CHECK(elf.has_gnu_hash == (spec->gnu_hash || spec->both_hashes));
	CHECK_STR(elf.soname, "sample.node");
	CHECK(elf.rpath == NULL && elf.runpath == NULL && elf.interp == NULL);
	CHECK_INT((int64_t)elf.needed_count, 2);
	CHECK_STR(elf.needed[0], "libm.so.6");
	CHECK_STR(elf.needed[1], "libc.so.6");

	CHECK_INT((int64_t)elf.symbol_count, 5);
	s = find(&elf, "memcpy");
	CHECK(s != NULL && !s->defined && s->binding == STB_GLOBAL && s->type == STT_FUNC);
	CHECK_STR(s != NULL ? s->version : NULL, "GLIBC_2.17");
	CHECK_STR(s != NULL ? s->file : NULL, "libc.so.6");
	s = find(&elf, "maybe");
	CHECK(s != NULL && !s->defined && s->binding == STB_WEAK);
	CHECK_STR(s != NULL ? s->version : NULL, "GLIBC_2.34");
	s = find(&elf, "plain");
	CHECK(s != NULL && !s->defined && s->version == NULL && s->file == NULL);
	s = find(&elf, "second");
	CHECK(s != NULL && s->defined && s->version == NULL && s->value != 0 && s->size == 4);
	CHECK(s != NULL && elf_offset(&elf, s->value, 4, &at) && at == s->value);

	CHECK_INT((int64_t)elf.need_count, 2);
	for (size_t i = 0; i < elf.need_count; i++)
		CHECK(elf.needs[i].weak == (strcmp(elf.needs[i].file, "libm.so.6") == 0));

	/* One plain relocation, and one that names the last symbol. */
	CHECK_INT((int64_t)(elf.relocs[0].count + elf.relocs[1].count), 1);
	CHECK_INT((int64_t)elf.relocs[2].count, 1);
	if (elf.relocs[2].count == 1) {
		struct elf_reloc reloc = elf_reloc_at(&elf, file->data, 2, 0);

		CHECK_INT(reloc.type, 7);
		CHECK_INT(reloc.symbol, 5);
		CHECK(elf_offset(&elf, reloc.offset, 4, &at));
	}
	elf_fini(&elf);
}

TEST(every_class_and_byte_order)
{
	static const struct {
		unsigned char class, data;
		uint16_t machine;
	} kinds[] = {
		{ELFCLASS64, ELFDATA2LSB, EM_X86_64}, {ELFCLASS64, ELFDATA2LSB, EM_AARCH64},
		{ELFCLASS32, ELFDATA2LSB, EM_ARM},    {ELFCLASS32, ELFDATA2LSB, EM_386},
		{ELFCLASS64, ELFDATA2MSB, EM_S390},   {ELFCLASS32, ELFDATA2MSB, EM_PPC},
		{ELFCLASS64, ELFDATA2MSB, EM_PPC64},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (unsigned hash = 0; hash < 3; hash++) {
			struct elf_spec spec =
				sample(kinds[i].class, kinds[i].data, kinds[i].machine);
			struct buf file = {0};

			spec.gnu_hash = hash == 1;
			spec.both_hashes = hash == 2;
			elf_build(&spec, &file);
			check_sample(&spec, &file);
			buf_fini(&file);
		}
	}
}

/* Where DT_RELA ends with DT_JMPREL, no relocation is there twice. */
TEST(tables_of_relocations_overlap)
{
	static const struct {
		unsigned char class;
		uint16_t machine;
	} kinds[] = {{ELFCLASS64, EM_RISCV}, {ELFCLASS32, EM_386}};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct elf_spec spec = sample(kinds[i].class, ELFDATA2LSB, kinds[i].machine);
		struct buf file = {0};

		spec.relocs_overlap = true;
		elf_build(&spec, &file);
		check_sample(&spec, &file);
		buf_fini(&file);
	}
}

/* A GNU hash table without entries does not say how many symbols there are. */
TEST(symbols_of_an_empty_hash_come_from_relocations)
{
	struct elf_spec spec = sample(ELFCLASS64, ELFDATA2LSB, EM_X86_64);
	struct buf file = {0};
	struct elf elf;

	memset(spec.symbols, 0, sizeof spec.symbols);
	spec.gnu_hash = true;
	elf_build_symbol(&spec, (struct elf_spec_symbol){.name = "one"});
	elf_build_symbol(&spec, (struct elf_spec_symbol){.name = "two", .looked_up = true});
	elf_build(&spec, &file);
	CHECK_INT(elf_read(file.data, file.len, &elf, NULL), 0);
	CHECK_INT((int64_t)elf.symbol_count, 2);
	CHECK(find(&elf, "two") != NULL);
	elf_fini(&elf);
	buf_fini(&file);
}

TEST(what_the_flags_say)
{
	struct elf_spec spec = sample(ELFCLASS64, ELFDATA2LSB, EM_X86_64);
	struct buf file = {0};
	struct elf elf;

	spec.rpath = "/old";
	spec.runpath = "$ORIGIN/new";
	spec.interp = "/lib/ld.so";
	spec.textrel = true;
	spec.relr = true;
	spec.exec_stack = true;
	spec.no_relro = true;
	spec.dt_flags = DF_STATIC_TLS;
	spec.dt_flags_1 = DF_1_NOW | DF_1_PIE;
	spec.x86_isa = 5;
	elf_build(&spec, &file);
	CHECK_INT(elf_read(file.data, file.len, &elf, NULL), 0);
	CHECK_STR(elf.rpath, "/old");
	CHECK_STR(elf.runpath, "$ORIGIN/new");
	CHECK_STR(elf.interp, "/lib/ld.so");
	CHECK(elf.textrel && elf.has_relr && elf.exec_stack && elf.static_tls && elf.bind_now);
	CHECK(!elf.has_relro && (elf.dt_flags_1 & DF_1_PIE) != 0);
	CHECK_INT(elf.x86_isa_needed, 5);
	elf_fini(&elf);
	buf_fini(&file);
}

/* A small library, linked by the machine's compiler. */
static bool
compile(struct buf *out)
{
	static const char source[] = "#include <string.h>\n"
				     "#include <stdlib.h>\n"
				     "char *copy(const char *s) { return strcpy(malloc(9), s); }\n";
	const char *c = test_path("lib.c"), *so = test_path("lib.so");
	const char *cc = getenv("CC");
	struct err e = {0};
	char *command;
	bool ok;

	CHECK_INT(file_write(c, source, sizeof source - 1, 0644, &e), 0);
	command = xasprintf("%s -shared -fPIC -g -Wl,--build-id=0x0123ab -Wl,-soname,lib.so.1 "
			    "-o %s %s",
			    cc != NULL ? cc : "cc", so, c);
	ok = CHECK_INT(system(command), 0) && CHECK_INT(file_read(so, FILE_SIZE_MAX, out, &e), 0);
	free(command);
	return ok;
}

TEST(a_linked_library_with_and_without_section_headers)
{
	struct buf file = {0};
	struct elf with, without;

	if (!compile(&file))
		return;
	CHECK_INT(elf_read(file.data, file.len, &with, NULL), 0);
	CHECK_STR(with.soname, "lib.so.1");
	CHECK_STR(with.build_id, "0123ab");
	CHECK(with.has_debug_info && with.section_count > 10);
	CHECK(find(&with, "copy") != NULL && find(&with, "copy")->defined);
	CHECK(find(&with, "malloc") != NULL && find(&with, "malloc")->version != NULL);
	CHECK(!with.sections_cut);
	if (CHECK_INT(elf_read(file.data, file.len - 1, &without, NULL), 0)) {
		CHECK(without.sections_cut && without.section_count == 0);
		elf_fini(&without);
	}
	/* e_shoff, e_shentsize, e_shnum, e_shstrndx of both classes. */
	memset(file.data + (with.class == ELFCLASS64 ? 40 : 32), 0,
	       with.class == ELFCLASS64 ? 8 : 4);
	memset(file.data + (with.class == ELFCLASS64 ? 58 : 46), 0, 6);
	CHECK_INT(elf_read(file.data, file.len, &without, NULL), 0);
	CHECK(!without.sections_cut && without.section_count == 0);
	CHECK(!without.has_debug_info);
	CHECK_STR(without.build_id, "0123ab");
	CHECK_INT((int64_t)without.symbol_count, (int64_t)with.symbol_count);
	for (size_t i = 0; i < with.symbol_count && i < without.symbol_count; i++) {
		CHECK_STR(without.symbols[i].name, with.symbols[i].name);
		CHECK_STR(without.symbols[i].version, with.symbols[i].version);
	}
	elf_fini(&with);
	elf_fini(&without);
	buf_fini(&file);
}

/* A file that was cut anywhere is refused, or, where only what a loader needs not is missing, read. */
static void
cut(const struct buf *file)
{
	size_t refused = 0;

	for (size_t len = 0; len < file->len; len++) {
		struct err e = {0};
		int rc = read_copy(file->data, len, &e);

		CHECK_MSG(rc == 0 || rc == ERR_MALFORMED || (rc == ERR_UNSUPPORTED && len < 16),
			  "%zu bytes: %d", len, rc);
		CHECK_MSG(rc == 0 || (e.code == rc && e.msg[0] != '\0'), "%zu bytes: no message",
			  len);
		refused += rc != 0;
	}
	CHECK_MSG(refused > file->len / 2, "only %zu of %zu cuts are refused", refused, file->len);
}

TEST(cut_at_every_length)
{
	struct elf_spec wide = sample(ELFCLASS64, ELFDATA2LSB, EM_X86_64);
	struct elf_spec narrow = sample(ELFCLASS32, ELFDATA2MSB, EM_PPC);
	struct buf file = {0};

	wide.gnu_hash = true;
	elf_build(&wide, &file);
	cut(&file);
	buf_fini(&file);
	elf_build(&narrow, &file);
	cut(&file);
	buf_fini(&file);
	if (compile(&file))
		cut(&file);
	buf_fini(&file);
}

/* Changes one to four bytes, often where structures lie, from a fixed seed. */
static void
corrupt(const struct buf *file, unsigned rounds)
{
	char *copy = xmalloc(file->len);
	uint64_t state = 0x9e3779b97f4a7c15u;
	unsigned refused = 0;

	for (unsigned round = 0; round < rounds; round++) {
		struct err e = {0};
		unsigned changes = 1 + round % 4;

		memcpy(copy, file->data, file->len);
		for (unsigned i = 0; i < changes; i++) {
			static const unsigned char nasty[] = {0, 1, 0x7f, 0x80, 0xff};

			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			copy[state % file->len] =
				(char)(state >> 40 & 1 ? nasty[(state >> 48) % sizeof nasty]
						       : (unsigned char)(state >> 48));
		}
		refused += read_copy(copy, file->len, &e) != 0;
	}
	CHECK(refused > 0 && refused < rounds);
	free(copy);
}

TEST(random_corruption)
{
	static const uint16_t machines[] = {EM_X86_64, EM_S390, EM_ARM, EM_PPC};

	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		struct elf_spec spec = sample(i < 2 ? ELFCLASS64 : ELFCLASS32,
					      i % 2 == 0 ? ELFDATA2LSB : ELFDATA2MSB, machines[i]);
		struct buf file = {0};

		spec.both_hashes = true;
		spec.x86_isa = 1;
		elf_build(&spec, &file);
		corrupt(&file, 5000);
		buf_fini(&file);
	}
}

static void
poke(struct buf *file, size_t at, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		file->data[at + i] = (char)(value >> 8 * i);
}

static uint64_t
peek(const struct buf *file, size_t at)
{
	uint64_t value = 0;

	for (size_t i = 0; i < 8; i++)
		value |= (uint64_t)(unsigned char)file->data[at + i] << 8 * i;
	return value;
}

/* File offset of the value of a dynamic entry in a 64-bit little-endian file. */
static size_t
dynamic_value(const struct buf *file, uint64_t tag)
{
	struct elf elf;
	size_t found = 0;

	CHECK_INT(elf_read(file->data, file->len, &elf, NULL), 0);
	for (size_t i = 0; i < elf.segment_count; i++)
		for (uint64_t at = 0; elf.segments[i].type == PT_DYNAMIC &&
				      at < elf.segments[i].filesz && found == 0;
		     at += 16)
			if (peek(file, elf.segments[i].offset + at) == tag)
				found = (size_t)(elf.segments[i].offset + at + 8);
	elf_fini(&elf);
	CHECK_MSG(found != 0, "no entry %llu", (unsigned long long)tag);
	return found;
}

TEST(places_outside_the_file)
{
	static const struct {
		uint64_t tag, value;
		int code;
	} wrong[] = {
		{DT_STRTAB, 0x10000000, ERR_MALFORMED},
		{DT_STRSZ, 0x10000000, ERR_MALFORMED},
		{DT_STRSZ, 3, ERR_MALFORMED}, /* names lie behind it */
		{DT_SYMTAB, 0x10000000, ERR_MALFORMED},
		{DT_SYMENT, 23, ERR_MALFORMED},
		{DT_HASH, UINT64_MAX - 3, ERR_MALFORMED},
		{DT_GNU_HASH, UINT64_MAX, ERR_MALFORMED},
		{DT_VERSYM, 0x10000000, ERR_MALFORMED},
		{DT_VERNEED, UINT64_MAX, ERR_MALFORMED},
		{DT_RELA, 0x10000000, ERR_MALFORMED},
		{DT_RELASZ, UINT64_MAX / 2, ERR_LIMIT},
		{DT_PLTRELSZ, 24 * 100000, ERR_MALFORMED},
		{DT_NEEDED, UINT64_MAX, ERR_MALFORMED},
		{DT_SONAME, 0x7fffffff, ERR_MALFORMED},
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct elf_spec spec = sample(ELFCLASS64, ELFDATA2LSB, EM_X86_64);
		struct buf file = {0};
		struct err e = {0};

		spec.both_hashes = true;
		elf_build(&spec, &file);
		poke(&file, dynamic_value(&file, wrong[i].tag), wrong[i].value, 8);
		CHECK_MSG(read_copy(file.data, file.len, &e) == wrong[i].code, "case %zu: %d %s", i,
			  e.code, e.msg);
		buf_fini(&file);
	}
}

TEST(more_than_the_limits)
{
	struct elf_spec spec = sample(ELFCLASS64, ELFDATA2LSB, EM_X86_64);
	struct buf file = {0};
	struct err e = {0};
	size_t hash;

	elf_build(&spec, &file);
	poke(&file, 56, ELF_PHDRS_MAX + 1, 2);
	CHECK_INT(read_copy(file.data, file.len, &e), ERR_LIMIT);
	buf_fini(&file);

	elf_build(&spec, &file);
	hash = peek(&file, dynamic_value(&file, DT_HASH));
	poke(&file, hash + 4, ELF_SYMBOLS_MAX + 1, 4);
	CHECK_INT(read_copy(file.data, file.len, NULL), ERR_LIMIT);
	/* Below the limit, but more than the file holds. */
	poke(&file, hash + 4, ELF_SYMBOLS_MAX, 4);
	CHECK_INT(read_copy(file.data, file.len, NULL), ERR_MALFORMED);
	buf_fini(&file);

	elf_build(&spec, &file);
	poke(&file, 40, 64, 8); /* e_shoff, e_shentsize, e_shnum */
	poke(&file, 58, 64, 2);
	poke(&file, 60, ELF_SHDRS_MAX + 1, 2);
	CHECK_INT(read_copy(file.data, file.len, NULL), ERR_LIMIT);
	buf_fini(&file);
}
TEST(what_is_no_elf_file)
{
	static const char page[] = "<!DOCTYPE html><html><body>Not found</body></html>";
	struct elf_spec spec = sample(ELFCLASS64, ELFDATA2LSB, EM_X86_64);
	struct buf file = {0};
	struct err e = {0};
	struct elf elf;

	CHECK_INT(elf_read(page, sizeof page, &elf, &e), ERR_UNSUPPORTED);
	CHECK(elf.segments == NULL && elf.symbols == NULL);
	CHECK_INT(elf_read("", 0, &elf, NULL), ERR_UNSUPPORTED);
	elf_build(&spec, &file);
	file.data[EI_CLASS] = 3;
	CHECK_INT(elf_read(file.data, file.len, &elf, NULL), ERR_MALFORMED);
	file.data[EI_CLASS] = ELFCLASS64;
	file.data[EI_DATA] = 0;
	CHECK_INT(elf_read(file.data, file.len, &elf, NULL), ERR_MALFORMED);
	buf_fini(&file);
}
