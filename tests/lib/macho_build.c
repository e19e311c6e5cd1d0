#include "tests/lib/macho_build.h"

#include <stdlib.h>
#include <string.h>

#include "builder/audit/macho_read.h"
#include "builder/base/digest.h"
#include "tests/lib/seed.h"

#define CODE     0x2000u /* place and address of the code */
#define LINKEDIT 0x4000u /* place of symbols, names and the signature */
#define IDENT    "addon"

struct image {
	struct buf commands, names, symbols;
	unsigned count;
};

static void
put(struct buf *out, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++) {
		unsigned char byte = (unsigned char)(i < 8 ? value >> 8 * i : 0);

		buf_add(out, &byte, 1);
	}
}

static void
put_big(struct buf *out, uint64_t value, unsigned size)
{
	for (unsigned i = size; i > 0; i--)
		put(out, value >> 8 * (i - 1) & 0xff, 1);
}

static void
pad(struct buf *out, size_t to)
{
	while (out->len < to)
		put(out, 0, 1);
}

static void
set(struct buf *out, size_t at, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		out->data[at + i] = (char)(value >> 8 * i);
}

/* A command with `words` behind its head. */
static void
put_command(struct image *m, uint32_t command, const uint32_t *words, unsigned n)
{
	put(&m->commands, command, 4);
	put(&m->commands, 8 + 4 * n, 4);
	for (unsigned i = 0; i < n; i++)
		put(&m->commands, words[i], 4);
	m->count++;
}

/* A command with a name, before which `head` bytes stand. */
static void
put_named(struct image *m, uint32_t command, unsigned head, const char *name)
{
	size_t start = m->commands.len, size = (head + strlen(name) + 8) & ~(size_t)7;

	put(&m->commands, command, 4);
	put(&m->commands, size, 4);
	put(&m->commands, head, 4);
	pad(&m->commands, start + head);
	buf_adds(&m->commands, name);
	pad(&m->commands, start + size);
	m->count++;
}

static void
put_segment(struct image *m, const char *name, uint64_t at, uint64_t size, uint32_t protection)
{
	size_t start = m->commands.len;

	put(&m->commands, 0x19, 4);
	put(&m->commands, 72, 4);
	buf_adds(&m->commands, name);
	pad(&m->commands, start + 24);
	put(&m->commands, at, 8);
	put(&m->commands, size, 8);
	put(&m->commands, at, 8);
	put(&m->commands, size, 8);
	put(&m->commands, 7, 4);
	put(&m->commands, protection, 4);
	put(&m->commands, 0, 8);
	m->count++;
}

static void
put_symbol(struct image *m, const char *prefix, const char *name, unsigned type, unsigned desc,
	   uint64_t value)
{
	put(&m->symbols, m->names.len, 4);
	put(&m->symbols, type, 1);
	put(&m->symbols, 0, 1);
	put(&m->symbols, desc, 2);
	put(&m->symbols, value, 8);
	buf_adds(&m->names, prefix);
	buf_add(&m->names, name, strlen(name) + 1);
}

static void
put_symbols(struct image *m, const struct macho_spec *spec)
{
	put(&m->names, 0, 1);
	if (spec->object != NULL)
		put_symbol(m, "", spec->object, 0x66, 0, 0);
	for (unsigned i = 0; i < MACHO_SPEC_SYMBOLS && spec->symbols[i].name != NULL; i++) {
		const struct macho_spec_symbol *s = &spec->symbols[i];

		put_symbol(m, "_", s->name, s->defined ? 0x0f : 0x01,
			   s->defined ? 0 : (unsigned)s->from << 8 | (s->weak ? 0x40 : 0),
			   s->defined ? CODE + spec->shift : 0);
	}
}

/* A signature of one code directory; `out` is all before it. */
static void
put_signature(const struct macho_spec *spec, uint32_t size, struct buf *out)
{
	uint32_t limit = spec->covered != 0 ? spec->covered : (uint32_t)out->len;
	uint32_t page = spec->page_bits != 0 ? 1u << spec->page_bits : limit;
	unsigned hash = spec->hash_type == 2 ? DIGEST_SIZE : 20;
	uint32_t count = (limit + page - 1) / page, start = (uint32_t)out->len;
	struct buf hashes = {0};

	for (uint32_t at = 0; at < limit; at += page) {
		struct digest d;

		digest_bytes(out->data + at, limit - at < page ? limit - at : page, &d);
		buf_add(&hashes, d.bytes, hash);
	}
	put_big(out, 0xfade0cc0, 4);
	put_big(out, size, 4);
	put_big(out, 1, 4);
	put_big(out, 0, 4);
	put_big(out, 20, 4);
	put_big(out, 0xfade0c02, 4);
	put_big(out, 44 + sizeof IDENT + count * hash, 4);
	put_big(out, 0x20100, 4);
	put_big(out, 2, 4);
	put_big(out, 44 + sizeof IDENT, 4);
	put_big(out, 44, 4);
	put_big(out, 0, 4);
	put_big(out, count, 4);
	put_big(out, limit, 4);
	put(out, hash, 1);
	put(out, spec->hash_type, 1);
	put(out, 0, 1);
	put(out, spec->page_bits, 1);
	put_big(out, 0, 4);
	buf_add(out, IDENT, sizeof IDENT);
	buf_add(out, hashes.data, hashes.len);
	pad(out, start + size);
	buf_fini(&hashes);
}

struct macho_spec
macho_spec_good(void)
{
	return (struct macho_spec){
		.magic = 0xfeedfacf,
		.cpu = MACHO_CPU_ARM64,
		.type = MACHO_BUNDLE,
		.flags = MACHO_TWO_LEVEL | 5,
		.platform = MACHO_PLATFORM_MACOS,
		.os = 0x000b0000,
		.protection = 5,
		.libs = {"/usr/lib/libc++.1.dylib", "/usr/lib/libSystem.B.dylib"},
		.symbols = {{.name = "napi_register_module_v1", .defined = true},
			    {.name = "node_api_module_get_api_version_v1", .defined = true},
			    {.name = "napi_create_object", .from = MACHO_FROM_ANY},
			    {.name = "napi_set_instance_data", .from = MACHO_FROM_ANY},
			    {.name = "malloc", .from = 2}},
		.code = "c0008052c0035fd6",
		.hash_type = 2,
		.page_bits = 12,
	};
}

struct macho_spec
macho_spec_x64(void)
{
	struct macho_spec spec = macho_spec_good();

	spec.cpu = MACHO_CPU_X86_64;
	spec.subtype = 3;
	spec.code = "554889e5b8060000005dc3";
	return spec;
}

/* The first byte chooses target and ABI: here, what the file says itself, for Node-API. */
static void
keep(const struct buf *out)
{
	seed_keep("macho", "\7", 1, out->data, out->len);
}

void
macho_build(const struct macho_spec *spec, struct buf *out)
{
	uint32_t signature = LINKEDIT, size = 0x400, at[4];
	struct image m = {0};
	size_t code;

	put_symbols(&m, spec);
	at[0] = LINKEDIT;
	at[1] = (uint32_t)m.symbols.len / 16;
	at[2] = LINKEDIT + (uint32_t)m.symbols.len;
	at[3] = (uint32_t)m.names.len;
	signature = (at[2] + at[3] + 15) & ~15u;
	put_segment(&m, "__TEXT", spec->shift, LINKEDIT - spec->shift, spec->protection);
	put_segment(&m, "__LINKEDIT", LINKEDIT, signature - LINKEDIT + size, 1);
	put_command(&m, 0x2, at, 4);
	for (unsigned i = 0; i < MACHO_SPEC_LIBS && spec->libs[i] != NULL; i++)
		put_named(&m, 0xc, 24, spec->libs[i]);
	if (spec->id != NULL)
		put_named(&m, 0xd, 24, spec->id);
	if (spec->rpath != NULL)
		put_named(&m, 0x8000001c, 12, spec->rpath);
	if (spec->os != 0 && spec->platform == 0)
		put_command(&m, 0x24, (uint32_t[]){spec->os, spec->os}, 2);
	else if (spec->os != 0)
		put_command(&m, 0x32, (uint32_t[]){spec->platform, spec->os, spec->os, 0}, 4);
	if (!spec->no_uuid)
		put_command(&m, 0x1b, (uint32_t[]){1, 2, 3, 4}, 4);
	if (!spec->no_signature)
		put_command(&m, 0x1d, (uint32_t[]){signature, size}, 2);

	put(out, spec->magic, 4);
	put(out, spec->cpu, 4);
	put(out, spec->subtype, 4);
	put(out, spec->type, 4);
	put(out, m.count, 4);
	put(out, m.commands.len, 4);
	put(out, spec->flags, 4);
	put(out, 0, 4);
	buf_add(out, m.commands.data, m.commands.len);
	pad(out, LINKEDIT);
	code = CODE + spec->shift;
	for (const char *c = spec->code; c[0] != '\0'; c += 2) {
		char digits[3] = {c[0], c[1], '\0'};

		set(out, code++, strtoul(digits, NULL, 16), 1);
	}
	buf_add(out, m.symbols.data, m.symbols.len);
	buf_add(out, m.names.data, m.names.len);
	pad(out, signature);
	if (!spec->no_signature)
		put_signature(spec, size, out);
	keep(out);
	buf_fini(&m.commands);
	buf_fini(&m.names);
	buf_fini(&m.symbols);
}

void
macho_build_universal(const struct macho_spec *specs, unsigned count, bool wide, uint32_t align,
		      struct buf *out)
{
	struct buf files = {0};
	unsigned word = wide ? 8 : 4;

	put_big(out, wide ? 0xcafebabf : 0xcafebabe, 4);
	put_big(out, count, 4);
	for (unsigned i = 0; i < count; i++) {
		struct buf one = {0};

		macho_build(&specs[i], &one);
		put_big(out, specs[i].cpu, 4);
		put_big(out, specs[i].subtype, 4);
		put_big(out, align + files.len, word);
		put_big(out, one.len, word);
		put_big(out, 14, 4);
		if (wide)
			put_big(out, 0, 4);
		buf_add(&files, one.data, one.len);
		while (files.len % align != 0)
			put(&files, 0, 1);
		buf_fini(&one);
	}
	pad(out, align);
	buf_add(out, files.data, files.len);
	keep(out);
	buf_fini(&files);
}
