#include <elf.h>
#include <stdlib.h>

#include "builder/audit/elf_parts.h"
#include "builder/base/mem.h"

#define SYMBOL_SIZE(wide) ((wide) ? 24u : 16u)
#define VERNEED_SIZE      16u
#define VERNAUX_SIZE      16u
#define VERDEF_SIZE       20u
#define VERDAUX_SIZE      8u
#define VERSION_INDEX     0x7fffu /* the rest of a DT_VERSYM entry is the hidden flag */

/* What a DT_VERSYM index means. */
struct version {
	const char *name, *file;
};

struct versions {
	struct version *of; /* by index */
	size_t count;
	size_t read; /* versions needed and defined, for the limit */
};

static int
malformed(struct elf_reader *r, const char *what, uint64_t at)
{
	return err_set(r->err, ERR_MALFORMED, "%s at 0x%llx lies outside the file", what,
		       (unsigned long long)at);
}

/* DT_HASH: its second word is the number of symbols. Two ABIs made its words 64 bits wide. */
static int
count_by_hash(struct elf_reader *r, uint64_t *count)
{
	const struct elf_bytes *b = &r->bytes;
	bool wide = b->wide && (r->elf->machine == EM_S390 || r->elf->machine == EM_ALPHA);
	uint64_t at;

	if (!elf_offset(r->elf, r->dynamic.hash, wide ? 16 : 8, &at))
		return malformed(r, "DT_HASH", r->dynamic.hash);
	*count = wide ? bytes_u64(b, at + 8) : bytes_u32(b, at + 4);
	return 0;
}

/*
 * DT_GNU_HASH: number of buckets, first hashed symbol, words in the filter, a shift; the filter;
 * the buckets (first symbol of each chain); the chains, one word a symbol, odd at a chain's end.
 * The last symbol is the end of the chain that starts last. No chain at all says nothing about
 * the symbols that are not hashed: *count is 0 then.
 */
static int
count_by_gnu_hash(struct elf_reader *r, uint64_t *count)
{
	const struct elf_bytes *b = &r->bytes;
	uint64_t at, buckets, chains, first, bucket_count, last = 0;

	*count = 0;
	if (!elf_offset(r->elf, r->dynamic.gnu_hash, 16, &at))
		return malformed(r, "DT_GNU_HASH", r->dynamic.gnu_hash);
	bucket_count = bytes_u32(b, at);
	first = bytes_u32(b, at + 4);
	buckets = at + 16 + (uint64_t)bytes_u32(b, at + 8) * (b->wide ? 8 : 4);
	chains = buckets + bucket_count * 4;
	if (!bytes_have(b, buckets, bucket_count * 4))
		return malformed(r, "a bucket of DT_GNU_HASH", buckets);
	for (uint64_t i = 0; i < bucket_count; i++) {
		uint64_t start = bytes_u32(b, buckets + i * 4);

		last = start > last ? start : last;
	}
	if (last == 0)
		return 0;
	if (last < first)
		return err_set(r->err, ERR_MALFORMED,
			       "DT_GNU_HASH has symbol %llu, but hashes from %llu on",
			       (unsigned long long)last, (unsigned long long)first);
	for (;; last++) {
		if (!bytes_have(b, chains + (last - first) * 4, 4))
			return malformed(r, "a chain of DT_GNU_HASH", chains + (last - first) * 4);
		if ((bytes_u32(b, chains + (last - first) * 4) & 1) != 0)
			break;
	}
	*count = last + 1;
	return 0;
}

/* The highest symbol that a relocation names: all that a loader would reach without a hash. */
static uint64_t
count_by_relocs(const struct elf_reader *r)
{
	uint64_t count = 0;

	for (size_t table = 0; table < ARRAY_SIZE(r->elf->relocs); table++) {
		for (size_t i = 0; i < r->elf->relocs[table].count; i++) {
			struct elf_reloc reloc = elf_reloc_at(r->elf, r->bytes.data, table, i);

			if (reloc.symbol >= count)
				count = (uint64_t)reloc.symbol + 1;
		}
	}
	return count;
}

/* The number of dynamic symbols is written nowhere, but follows from what finds them. */
static int
count_symbols(struct elf_reader *r, uint64_t *count)
{
	uint64_t hashed = 0, gnu_hashed = 0;
	int rc;

	if (r->elf->has_hash && (rc = count_by_hash(r, &hashed)) < 0)
		return rc;
	/* MIPS has a hash table of its own under that tag, and says the number. */
	if (r->elf->machine == EM_MIPS && r->dynamic.mips_symtabno != 0)
		gnu_hashed = r->dynamic.mips_symtabno;
	else if (r->elf->has_gnu_hash && (rc = count_by_gnu_hash(r, &gnu_hashed)) < 0)
		return rc;
	*count = hashed > gnu_hashed ? hashed : gnu_hashed;
	if (*count == 0)
		*count = count_by_relocs(r);
	return 0;
}

static int
count_version(struct elf_reader *r, struct versions *v)
{
	if (v->read++ == ELF_VERSIONS_MAX)
		return err_set(r->err, ERR_LIMIT, "more than %d symbol versions", ELF_VERSIONS_MAX);
	return 0;
}

static void
set_version(struct versions *v, unsigned index, const char *name, const char *file)
{
	if (index >= v->count) {
		size_t count = index + 16;

		v->of = xrealloc(v->of, count * sizeof *v->of);
		memset(v->of + v->count, 0, (count - v->count) * sizeof *v->of);
		v->count = count;
	}
	v->of[index] = (struct version){.name = name, .file = file};
}

/* One file of DT_VERNEED with the versions that are needed from it. */
static int
read_needs_of(struct elf_reader *r, uint64_t at, const char *file, struct versions *v)
{
	const struct elf_bytes *b = &r->bytes;
	struct elf *elf = r->elf;
	const char *name;
	uint64_t next;
	int rc;

	for (;; at += next) {
		if (!bytes_have(b, at, VERNAUX_SIZE))
			return malformed(r, "a needed version", at);
		if ((rc = count_version(r, v)) < 0 ||
		    (rc = elf_dynamic_string(r, bytes_u32(b, at + 8), "a needed version's name",
					     &name)) < 0)
			return rc;
		if ((elf->need_count & (elf->need_count - 1)) == 0) /* full at powers of two */
			elf->needs = xrealloc(elf->needs,
					      (elf->need_count > 0 ? 2 * elf->need_count : 1) *
						      sizeof *elf->needs);
		elf->needs[elf->need_count++] = (struct elf_version_need){
			.file = file,
			.version = name,
			.weak = (bytes_u16(b, at + 4) & VER_FLG_WEAK) != 0,
		};
		set_version(v, bytes_u16(b, at + 6) & VERSION_INDEX, name, file);
		next = bytes_u32(b, at + 12);
		if (next == 0)
			return 0;
	}
}

static int
read_needs(struct elf_reader *r, struct versions *v)
{
	const struct elf_bytes *b = &r->bytes;
	const char *file;
	uint64_t at, next;
	int rc;

	if (!elf_offset(r->elf, r->dynamic.verneed, VERNEED_SIZE, &at))
		return malformed(r, "DT_VERNEED", r->dynamic.verneed);
	for (;; at += next) {
		if (!bytes_have(b, at, VERNEED_SIZE))
			return malformed(r, "a file of DT_VERNEED", at);
		if ((rc = count_version(r, v)) < 0 ||
		    (rc = elf_dynamic_string(r, bytes_u32(b, at + 4), "DT_VERNEED's file", &file)) <
			    0)
			return rc;
		if (bytes_u16(b, at + 2) > 0 &&
		    (rc = read_needs_of(r, at + bytes_u32(b, at + 8), file, v)) < 0)
			return rc;
		next = bytes_u32(b, at + 12);
		if (next == 0)
			return 0;
	}
}

/* DT_VERDEF: the first name of each entry is the version, the others are what it inherits. */
static int
read_definitions(struct elf_reader *r, struct versions *v)
{
	const struct elf_bytes *b = &r->bytes;
	const char *name;
	uint64_t at, aux, next;
	int rc;

	if (!elf_offset(r->elf, r->dynamic.verdef, VERDEF_SIZE, &at))
		return malformed(r, "DT_VERDEF", r->dynamic.verdef);
	for (;; at += next) {
		if (!bytes_have(b, at, VERDEF_SIZE))
			return malformed(r, "an entry of DT_VERDEF", at);
		aux = at + bytes_u32(b, at + 12);
		if (!bytes_have(b, aux, VERDAUX_SIZE))
			return malformed(r, "a name of DT_VERDEF", aux);
		if ((rc = count_version(r, v)) < 0 ||
		    (rc = elf_dynamic_string(r, bytes_u32(b, aux), "DT_VERDEF's name", &name)) < 0)
			return rc;
		/* The base entry names the file, which is no version of a symbol. */
		if ((bytes_u16(b, at + 2) & VER_FLG_BASE) == 0)
			set_version(v, bytes_u16(b, at + 4) & VERSION_INDEX, name, NULL);
		next = bytes_u32(b, at + 16);
		if (next == 0)
			return 0;
	}
}

static int
read_symbol(struct elf_reader *r, uint64_t at, struct elf_symbol *s)
{
	const struct elf_bytes *b = &r->bytes;
	unsigned char info = b->data[at + (b->wide ? 4 : 12)];
	unsigned char other = b->data[at + (b->wide ? 5 : 13)];

	*s = (struct elf_symbol){
		.value = b->wide ? bytes_u64(b, at + 8) : bytes_u32(b, at + 4),
		.size = b->wide ? bytes_u64(b, at + 16) : bytes_u32(b, at + 8),
		.type = info & 15,
		.binding = info >> 4,
		.visibility = other & 3,
		.defined = bytes_u16(b, at + (b->wide ? 6 : 14)) != SHN_UNDEF,
	};
	return elf_dynamic_string(r, bytes_u32(b, at), "a symbol's name", &s->name);
}

static int
version_symbols(struct elf_reader *r, const struct versions *v)
{
	struct elf *elf = r->elf;
	uint64_t at;

	if (!elf_offset(elf, r->dynamic.versym, 2 * (elf->symbol_count + 1), &at))
		return malformed(r, "DT_VERSYM", r->dynamic.versym);
	for (size_t i = 0; i < elf->symbol_count; i++) {
		struct elf_symbol *s = &elf->symbols[i];
		uint16_t entry = bytes_u16(&r->bytes, at + 2 * (i + 1));
		unsigned index = entry & VERSION_INDEX;

		s->hidden_version = (entry & ~VERSION_INDEX) != 0;
		if (index < v->count) {
			s->version = v->of[index].name;
			s->file = v->of[index].file;
		}
		if (index > VER_NDX_GLOBAL && s->version == NULL)
			return err_set(r->err, ERR_MALFORMED,
				       "symbol %zu has version %u, which is declared nowhere",
				       i + 1, index);
	}
	return 0;
}

static int
read_table(struct elf_reader *r, uint64_t count)
{
	uint64_t size = SYMBOL_SIZE(r->bytes.wide);
	struct elf *elf = r->elf;
	uint64_t at;
	int rc;

	if (count > ELF_SYMBOLS_MAX)
		return err_set(r->err, ERR_LIMIT, "%llu dynamic symbols, at most %d are read",
			       (unsigned long long)count, ELF_SYMBOLS_MAX);
	if (r->dynamic.syment != 0 && r->dynamic.syment != size)
		return err_set(r->err, ERR_MALFORMED, "DT_SYMENT is %llu",
			       (unsigned long long)r->dynamic.syment);
	if (!elf_offset(elf, r->dynamic.symtab, count * size, &at))
		return malformed(r, "DT_SYMTAB", r->dynamic.symtab);
	elf->symbols = xmalloc((size_t)(count - 1) * sizeof *elf->symbols);
	for (uint64_t i = 1; i < count; i++)
		if ((rc = read_symbol(r, at + i * size, &elf->symbols[elf->symbol_count++])) < 0)
			return rc;
	return 0;
}

int
elf_read_symbols(struct elf_reader *r)
{
	struct versions v = {0};
	uint64_t count;
	int rc = 0;

	if ((r->dynamic.verneed != 0 && (rc = read_needs(r, &v)) < 0) ||
	    (r->dynamic.verdef != 0 && (rc = read_definitions(r, &v)) < 0) ||
	    !r->dynamic.has_symtab || (rc = count_symbols(r, &count)) < 0)
		goto out;
	if (count > 1 && (rc = read_table(r, count)) == 0 && r->dynamic.versym != 0)
		rc = version_symbols(r, &v);
out:
	free(v.of);
	return rc;
}
