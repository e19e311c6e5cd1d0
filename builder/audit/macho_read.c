#include "builder/audit/macho_read.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"

#define MAGIC_64     0xfeedfacfu
#define MAGIC_FAT    0xcafebabeu /* big-endian */
#define MAGIC_FAT_64 0xcafebabfu
#define HEADER_SIZE  32
#define NLIST_SIZE   16

#define MAGIC_32     0xfeedfaceu
#define MAGIC_64_BIG 0xcffaedfeu
#define MAGIC_32_BIG 0xcefaedfeu

#define LC_SEGMENT_64        0x19u
#define LC_SYMTAB            0x2u
#define LC_LOAD_DYLIB        0xcu
#define LC_LOAD_WEAK_DYLIB   0x80000018u
#define LC_REEXPORT_DYLIB    0x8000001fu
#define LC_ID_DYLIB          0xdu
#define LC_UUID              0x1bu
#define LC_RPATH             0x8000001cu
#define LC_CODE_SIGNATURE    0x1du
#define LC_VERSION_MIN_MACOS 0x24u
#define LC_BUILD_VERSION     0x32u

#define N_STAB     0xe0
#define N_TYPE     0x0e
#define N_EXT      0x01
#define N_UNDF     0x00
#define N_PEXT     0x10
#define N_OSO      0x66
#define N_WEAK_REF 0x40

/* The kind of a cpu is in the lower bits; the others are features. */
#define SUBTYPE_MASK 0x00ffffffu

static uint32_t
le32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t
be32(const unsigned char *p)
{
	return (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

static uint64_t
le64(const unsigned char *p)
{
	return (uint64_t)le32(p + 4) << 32 | le32(p);
}

static uint64_t
be64(const unsigned char *p)
{
	return (uint64_t)be32(p) << 32 | be32(p + 4);
}

const char *
macho_cpu_text(uint32_t cpu, uint32_t subtype)
{
	if (cpu == MACHO_CPU_ARM64)
		return subtype == MACHO_ARM64E ? "arm64e" : "arm64";
	if (cpu == MACHO_CPU_X86_64)
		return subtype == MACHO_X86_64_HASWELL ? "x86-64h" : "x86-64";
	return "another machine";
}

static bool
is_thin(uint32_t magic)
{
	return magic == MAGIC_64 || magic == MAGIC_32 || magic == MAGIC_64_BIG ||
	       magic == MAGIC_32_BIG;
}

int
macho_slices(const void *data, size_t len, struct macho_slice out[MACHO_SLICES_MAX], size_t *count,
	     struct err *e)
{
	const unsigned char *p = data;
	bool wide;
	size_t entry;

	*count = 0;
	if (len >= 4 && is_thin(le32(p))) {
		out[(*count)++] = (struct macho_slice){0, len};
		return 0;
	}
	wide = len >= 8 && be32(p) == MAGIC_FAT_64;
	if (len < 8 || (!wide && be32(p) != MAGIC_FAT))
		return err_set(e, ERR_UNSUPPORTED, "no Mach-O file");
	entry = wide ? 32 : 20;
	if (be32(p + 4) > MACHO_SLICES_MAX)
		return err_set(e, ERR_LIMIT, "Mach-O: more than %d slices", MACHO_SLICES_MAX);
	for (size_t i = 0; i < be32(p + 4); i++) {
		const unsigned char *a = p + 8 + i * entry;
		uint64_t offset, size;

		if (len - 8 < (i + 1) * entry)
			return err_set(e, ERR_MALFORMED, "Mach-O: the list of slices is cut");
		offset = wide ? be64(a + 8) : be32(a + 8);
		size = wide ? be64(a + 16) : be32(a + 12);
		if (offset > len || size > len - offset)
			return err_set(e, ERR_MALFORMED, "Mach-O: slice %zu is outside the file",
				       i);
		out[(*count)++] = (struct macho_slice){(size_t)offset, (size_t)size};
	}
	return 0;
}

/* A NUL-terminated string within [from, end) of the file, or NULL. */
static const char *
string_at(const unsigned char *data, size_t from, size_t end)
{
	size_t most = end - from < MACHO_STRING_MAX ? end - from : MACHO_STRING_MAX;

	if (from >= end || memchr(data + from, '\0', most) == NULL)
		return NULL;
	return (const char *)data + from;
}

/* The name in a command, whose union lc_str begins with the name's offset; or NULL. */
static const char *
command_name(const unsigned char *data, size_t command, size_t size)
{
	if (size < 12 || le32(data + command + 8) >= size)
		return NULL;
	return string_at(data, command + le32(data + command + 8), command + size);
}

static int
add_name(const char ***list, size_t *count, const unsigned char *data, size_t command, size_t size,
	 struct err *e)
{
	const char *name = command_name(data, command, size);

	if (name == NULL)
		return err_set(e, ERR_MALFORMED, "Mach-O: a library's name is outside its command");
	if (*count == MACHO_LIBS_MAX)
		return err_set(e, ERR_LIMIT, "Mach-O: more than %d libraries", MACHO_LIBS_MAX);
	*list = xrealloc(*list, (*count + 1) * sizeof **list);
	(*list)[(*count)++] = name;
	return 0;
}

static int
read_symbols(const unsigned char *data, size_t len, size_t command, struct macho *m, struct err *e)
{
	uint32_t symbols = le32(data + command + 8), n = le32(data + command + 12),
		 strings = le32(data + command + 16), strings_len = le32(data + command + 20);

	if (n > MACHO_SYMBOLS_MAX)
		return err_set(e, ERR_LIMIT, "Mach-O: more than %d symbols", MACHO_SYMBOLS_MAX);
	if (symbols > len || (len - symbols) / NLIST_SIZE < n || strings > len ||
	    len - strings < strings_len)
		return err_set(e, ERR_MALFORMED, "Mach-O: the symbol table is outside the file");
	if (m->symbols != NULL)
		return err_set(e, ERR_MALFORMED, "Mach-O: two symbol tables");
	m->symbols = xcalloc(n, sizeof *m->symbols);
	for (uint32_t i = 0; i < n; i++) {
		const unsigned char *s = data + symbols + (size_t)i * NLIST_SIZE;
		const char *name;

		if (s[4] == N_OSO && m->object == NULL && le32(s) < strings_len)
			m->object = string_at(data, (size_t)strings + le32(s),
					      (size_t)strings + strings_len);
		/* Debugging entries, and what is private to the file, are nobody else's. */
		if ((s[4] & N_STAB) != 0 || (s[4] & N_EXT) == 0 || (s[4] & N_PEXT) != 0 ||
		    le32(s) >= strings_len)
			continue;
		name = string_at(data, (size_t)strings + le32(s), (size_t)strings + strings_len);
		if (name == NULL)
			return err_set(e, ERR_MALFORMED, "Mach-O: a symbol's name has no end");
		m->symbols[m->symbol_count++] = (struct macho_symbol){
			.name = name[0] == '_' ? name + 1 : name,
			.defined = (s[4] & N_TYPE) != N_UNDF,
			.weak = (s[6] & N_WEAK_REF) != 0,
			.from = s[7],
			.address = le64(s + 8),
		};
	}
	return 0;
}

static void
set_version(struct macho *m, uint32_t platform, uint32_t version)
{
	/* A file may be for several systems; the Mac itself is the one that counts. */
	if (m->platform == MACHO_PLATFORM_MACOS)
		return;
	m->platform = platform;
	m->os_major = version >> 16;
	m->os_minor = version >> 8 & 0xff;
}

static int
read_id(const unsigned char *data, size_t command, size_t size, struct macho *m, struct err *e)
{
	m->id = command_name(data, command, size);
	if (m->id == NULL)
		return err_set(e, ERR_MALFORMED,
			       "Mach-O: the file's own name is outside its command");
	return 0;
}

static int
add_segment(const unsigned char *command, struct macho *m, struct err *e)
{
	if (m->segment_count == MACHO_SEGMENTS_MAX)
		return err_set(e, ERR_LIMIT, "Mach-O: more than %d segments", MACHO_SEGMENTS_MAX);
	m->segments[m->segment_count] = (struct macho_segment){
		.address = le64(command + 24),
		.memory_size = le64(command + 32),
		.offset = le64(command + 40),
		.size = le64(command + 48),
		.protection = le32(command + 60),
	};
	memcpy(m->segments[m->segment_count++].name, command + 8, 16);
	return 0;
}

static int
read_command(const unsigned char *data, size_t len, size_t at, uint32_t size, struct macho *m,
	     struct err *e)
{
	switch (le32(data + at)) {
	case LC_LOAD_DYLIB:
	case LC_LOAD_WEAK_DYLIB:
	case LC_REEXPORT_DYLIB:
		return add_name(&m->libs, &m->lib_count, data, at, size, e);
	case LC_RPATH:
		return add_name(&m->rpaths, &m->rpath_count, data, at, size, e);
	case LC_ID_DYLIB:
		return read_id(data, at, size, m, e);
	case LC_UUID:
		m->has_uuid = true;
		return 0;
	case LC_CODE_SIGNATURE:
		if (size < 16)
			return err_set(e, ERR_MALFORMED, "Mach-O: a signature's command is cut");
		m->has_signature = true;
		m->signature_offset = le32(data + at + 8);
		m->signature_size = le32(data + at + 12);
		return 0;
	case LC_VERSION_MIN_MACOS:
		if (size >= 16)
			set_version(m, MACHO_PLATFORM_MACOS, le32(data + at + 8));
		return 0;
	case LC_BUILD_VERSION:
		if (size >= 24)
			set_version(m, le32(data + at + 8), le32(data + at + 12));
		return 0;
	case LC_SEGMENT_64:
		return size >= 72 ? add_segment(data + at, m, e) : 0;
	case LC_SYMTAB:
		return size >= 24 ? read_symbols(data, len, at, m, e) : 0;
	default:
		return 0;
	}
}

int
macho_read(const void *bytes, size_t len, struct macho *out, struct err *e)
{
	const unsigned char *data = bytes;
	size_t at = HEADER_SIZE, end;
	uint32_t count;

	*out = (struct macho){0};
	if (len < HEADER_SIZE || le32(data) != MAGIC_64)
		return err_set(e, ERR_UNSUPPORTED, "no 64-bit little-endian Mach-O file");
	out->cpu = le32(data + 4);
	out->subtype = le32(data + 8) & SUBTYPE_MASK;
	out->type = le32(data + 12);
	out->flags = le32(data + 24);
	count = le32(data + 16);
	end = le32(data + 20);
	if (end > len - HEADER_SIZE)
		return err_set(e, ERR_MALFORMED, "Mach-O: the load commands are cut");
	end += HEADER_SIZE;
	if (count > MACHO_COMMANDS_MAX)
		return err_set(e, ERR_LIMIT, "Mach-O: more than %d load commands",
			       MACHO_COMMANDS_MAX);
	for (uint32_t i = 0; e->code == 0 && i < count; i++) {
		uint32_t size = end - at >= 8 ? le32(data + at + 4) : 0;

		if (size < 8 || size > end - at)
			err_set(e, ERR_MALFORMED, "Mach-O: load command %u has a wrong size", i);
		else
			read_command(data, len, at, size, out, e);
		at += size;
	}
	if (e->code != 0)
		macho_fini(out);
	return e->code;
}

bool
macho_offset(const struct macho *m, size_t len, uint64_t address, size_t *offset, size_t *left)
{
	for (size_t i = 0; i < m->segment_count; i++) {
		const struct macho_segment *s = &m->segments[i];
		uint64_t in;

		if (address < s->address || address - s->address >= s->size)
			continue;
		in = address - s->address;
		if (s->offset > len || s->size > len - s->offset)
			return false;
		*offset = (size_t)(s->offset + in);
		*left = (size_t)(s->size - in);
		return true;
	}
	return false;
}

void
macho_fini(struct macho *m)
{
	free(m->libs);
	free(m->rpaths);
	free(m->symbols);
	*m = (struct macho){0};
}
