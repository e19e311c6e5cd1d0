#include "builder/audit/format.h"

#include <ctype.h>
#include <elf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "builder/base/mem.h"

/* How much of a text is quoted. */
#define QUOTE_MAX 40

struct name {
	uint32_t value;
	const char *text;
};

static const struct name elf_machines[] = {
	{EM_386, "x86"},         {EM_X86_64, "x86-64"}, {EM_ARM, "ARM"},    {EM_AARCH64, "AArch64"},
	{EM_PPC64, "PowerPC64"}, {EM_PPC, "PowerPC"},   {EM_S390, "S/390"}, {EM_RISCV, "RISC-V"},
	{EM_MIPS, "MIPS"},       {EM_SPARCV9, "SPARC"}, {258, "LoongArch"},
};

/* mach/machine.h: the 0x01000000 bit stands for 64 bits. */
static const struct name macho_machines[] = {
	{0x01000007, "x86-64"},
	{0x0100000c, "arm64"},
	{7, "i386"},
	{12, "arm"},
};

/* mach-o/loader.h, filetype. */
static const struct name macho_types[] = {
	{1, "object file"},
	{2, "program"},
	{6, "dynamic library"},
	{8, "bundle"},
};

/* Microsoft PE format, "Machine Types". */
static const struct name pe_machines[] = {
	{0x8664, "x64"},
	{0xaa64, "arm64"},
	{0x14c, "ia32"},
	{0x1c4, "arm"},
};

/* What begins with these bytes, is that. */
static const struct {
	const char *magic;
	size_t len;
	const char *text;
} magics[] = {
	{"\x1f\x8b", 2, "gzip data; is this a tarball?"},
	{"PK\x03\x04", 4, "a zip archive"},
	{"\xfd"
	 "7zXZ",
	 5, "xz data"},
	{"\x28\xb5\x2f\xfd", 4, "zstd data"},
	{"BZh", 3, "bzip2 data"},
	{"!<arch>\n", 8, "an ar archive (a static library?)"},
	{"BC\xc0\xde", 4, "LLVM bitcode"},
	{"\0asm", 4, "a WebAssembly module"},
	{"version https://git-lfs", 23, "a Git LFS pointer; the file itself was not fetched"},
};

static const char *
name_of(const struct name *names, size_t count, uint32_t value)
{
	for (size_t i = 0; i < count; i++)
		if (names[i].value == value)
			return names[i].text;
	return NULL;
}

static void say(struct format *out, enum format_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void
say(struct format *out, enum format_kind kind, const char *fmt, ...)
{
	va_list ap;

	out->kind = kind;
	va_start(ap, fmt);
	vsnprintf(out->text, sizeof out->text, fmt, ap);
	va_end(ap);
}

static uint32_t
u16_le(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t
u32_le(const unsigned char *p)
{
	return u16_le(p) | u16_le(p + 2) << 16;
}

static uint32_t
u32_be(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void
format_elf_text(unsigned class, unsigned data, uint16_t machine, char out[FORMAT_TEXT_SIZE])
{
	const char *name = name_of(elf_machines, ARRAY_SIZE(elf_machines), machine);
	char number[32];

	snprintf(number, sizeof number, "machine %u", machine);
	snprintf(out, FORMAT_TEXT_SIZE, "ELF %s-bit %s%s", class == ELFCLASS32 ? "32" : "64",
		 name != NULL ? name : number, data == ELFDATA2MSB ? " big-endian" : "");
}

static bool
identify_elf(const unsigned char *p, size_t len, struct format *out)
{
	if (len < SELFMAG || memcmp(p, ELFMAG, SELFMAG) != 0)
		return false;
	say(out, FORMAT_ELF, "ELF, cut inside its header");
	if (len >= 20)
		format_elf_text(p[EI_CLASS], p[EI_DATA],
				(uint16_t)(p[EI_DATA] == ELFDATA2MSB ? u32_be(p + 16) & 0xffff
								     : u16_le(p + 18)),
				out->text);
	return true;
}

void
format_macho_text(uint32_t cpu, char out[FORMAT_TEXT_SIZE])
{
	const char *name = name_of(macho_machines, ARRAY_SIZE(macho_machines), cpu);

	snprintf(out, FORMAT_TEXT_SIZE, "Mach-O %s bundle",
		 name != NULL ? name : "of an unknown machine");
}

static void
identify_slices(const unsigned char *p, size_t len, uint32_t count, struct format *out)
{
	size_t step = u32_be(p) == 0xcafebabf ? 32 : 20, used;

	say(out, FORMAT_MACHO, "Mach-O universal");
	for (uint32_t i = 0; i < count && 8 + (i + 1) * step <= len; i++) {
		uint32_t cpu = u32_be(p + 8 + i * step);
		const char *name = name_of(macho_machines, ARRAY_SIZE(macho_machines), cpu);

		used = strlen(out->text);
		snprintf(out->text + used, sizeof out->text - used, "%s%s", i > 0 ? ", " : " with ",
			 name != NULL ? name : "an unknown machine");
	}
}

static bool
identify_macho(const unsigned char *p, size_t len, struct format *out)
{
	const char *machine, *type;
	uint32_t magic, (*u32)(const unsigned char *);

	if (len < 16)
		return false;
	magic = u32_be(p);
	/* Java classes begin with the same four bytes; their next number is a version above 40. */
	if ((magic == 0xcafebabe || magic == 0xcafebabf) && u32_be(p + 4) < 40) {
		identify_slices(p, len, u32_be(p + 4), out);
		return true;
	}
	if (magic == 0xfeedface || magic == 0xfeedfacf)
		u32 = u32_be;
	else if (magic == 0xcefaedfe || magic == 0xcffaedfe)
		u32 = u32_le;
	else
		return false;
	machine = name_of(macho_machines, ARRAY_SIZE(macho_machines), u32(p + 4));
	type = name_of(macho_types, ARRAY_SIZE(macho_types), u32(p + 12));
	say(out, FORMAT_MACHO, "Mach-O %s %s", machine != NULL ? machine : "of an unknown machine",
	    type != NULL ? type : "file");
	return true;
}

void
format_pe_text(uint16_t machine, char out[FORMAT_TEXT_SIZE])
{
	const char *name = name_of(pe_machines, ARRAY_SIZE(pe_machines), machine);

	snprintf(out, FORMAT_TEXT_SIZE, "PE %s DLL", name != NULL ? name : "of an unknown machine");
}

static bool
identify_pe(const unsigned char *p, size_t len, struct format *out)
{
	size_t at;

	if (len < 64 || memcmp(p, "MZ", 2) != 0)
		return false;
	at = u32_le(p + 60);
	if (at > len || len - at < 24 || memcmp(p + at, "PE\0", 4) != 0) {
		say(out, FORMAT_UNKNOWN, "a DOS program");
		return true;
	}
	out->kind = FORMAT_PE;
	format_pe_text((uint16_t)u16_le(p + at + 4), out->text);
	if ((u16_le(p + at + 22) & 0x2000) == 0)
		strcpy(out->text + strlen(out->text) - strlen("DLL"), "program");
	return true;
}

static bool
has_word(const char *text, size_t len, const char *word)
{
	return len >= strlen(word) && strncasecmp(text, word, strlen(word)) == 0;
}

/* HTML, scripts and plain text; others are told by their bytes. */
static bool
identify_text(const char *text, size_t len, struct format *out)
{
	size_t quoted = 0;

	while (len > 0 && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	if (len == 0)
		return false;
	if (has_word(text, len, "#!"))
		say(out, FORMAT_UNKNOWN, "a script");
	else if (has_word(text, len, "<!doctype html") || has_word(text, len, "<html"))
		say(out, FORMAT_UNKNOWN, "an HTML page");
	else if (has_word(text, len, "<?xml"))
		say(out, FORMAT_UNKNOWN, "an XML document");
	else {
		while (quoted < len && quoted < QUOTE_MAX && isprint((unsigned char)text[quoted]))
			quoted++;
		if (quoted < len && quoted < QUOTE_MAX && !isspace((unsigned char)text[quoted]))
			return false;
		say(out, FORMAT_UNKNOWN, "text that begins with \"%.*s\"", (int)quoted, text);
	}
	return true;
}

static bool
identify_magic(const unsigned char *p, size_t len, struct format *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
		if (len >= magics[i].len && memcmp(p, magics[i].magic, magics[i].len) == 0) {
			say(out, FORMAT_UNKNOWN, "%s", magics[i].text);
			return true;
		}
	}
	return false;
}

void
format_identify(const void *data, size_t len, struct format *out)
{
	const unsigned char *p = data;

	if (len == 0)
		say(out, FORMAT_UNKNOWN, "an empty file");
	else if (!identify_elf(p, len, out) && !identify_macho(p, len, out) &&
		 !identify_pe(p, len, out) && !identify_magic(p, len, out) &&
		 !identify_text(data, len, out))
		say(out, FORMAT_UNKNOWN, "unknown data");
}

const char *
format_name(enum format_kind kind)
{
	switch (kind) {
	case FORMAT_ELF:
		return "elf";
	case FORMAT_MACHO:
		return "mach-o";
	case FORMAT_PE:
		return "pe";
	default:
		return "unknown";
	}
}
