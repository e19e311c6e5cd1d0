#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "builder/audit/elf_parts.h"
#include "builder/audit/napi.h"
#include "builder/audit/node_abi.h"
#include "builder/audit/x86_code.h"
#include "builder/base/mem.h"

/* What is stored at an address is up to so many bytes long, and is read in other pieces than it was
 * written in. */
#define KEPT_SIZE 16

/*
 * A function that reads what is kept and stores something may have made it of that: a flag for each
 * variant, set at start from the runtime's table. Such functions are short; a long one uses flags
 * among many other things, and to believe all that it stores would hide half of a file.
 */
#define SETTER_MAX 128 /* bytes */

struct walk {
	const struct x86_code *code;
	const struct elf *elf;
	const void *data;
	bool *asks;     /* by function: looks at which extensions there are */
	uint64_t *kept; /* addresses of what those that ask have stored, sorted */
	size_t kept_count;
	const char **entries; /* by function: what it was reached from, or NULL */
	size_t *waiting;      /* functions that were reached and not looked at */
	size_t waiting_count;
};

/* The data and the function of the compiler's runtime that __builtin_cpu_supports uses. */
static bool
is_runtime_test(const struct elf_symbol *s)
{
	return !s->defined &&
	       (strcmp(s->name, "__cpu_model") == 0 || strcmp(s->name, "__cpu_features2") == 0 ||
		strcmp(s->name, "__cpu_indicator_init") == 0 ||
		strcmp(s->name, "__x86_get_cpuid_feature_leaf") == 0);
}

bool
x86_code_tests(const struct x86_code *code, const struct elf *elf)
{
	for (size_t i = 0; i < code->count; i++)
		if (code->functions[i].tests)
			return true;
	for (size_t i = 0; i < elf->symbol_count; i++)
		if (is_runtime_test(&elf->symbols[i]))
			return true;
	return false;
}

static size_t
index_of(const struct walk *w, const struct x86_function *f)
{
	return (size_t)(f - w->code->functions);
}

static bool
is_writable(const struct elf *elf, uint64_t vaddr)
{
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *s = &elf->segments[i];

		if (s->type == PT_LOAD && (s->flags & PF_W) != 0 && vaddr >= s->vaddr &&
		    vaddr - s->vaddr < s->memsz)
			return true;
	}
	return false;
}

static int
compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
keep(struct walk *w, uint64_t vaddr)
{
	if ((w->kept_count & (w->kept_count - 1)) == 0) /* full at powers of two */
		w->kept = xrealloc(w->kept,
				   (w->kept_count > 0 ? 2 * w->kept_count : 1) * sizeof *w->kept);
	w->kept[w->kept_count++] = vaddr;
}

/* Where the addresses of the runtime's names are put. */
static void
keep_runtime(struct walk *w)
{
	for (size_t table = 0; table < ARRAY_SIZE(w->elf->relocs); table++) {
		for (size_t i = 0; i < w->elf->relocs[table].count; i++) {
			struct elf_reloc reloc = elf_reloc_at(w->elf, w->data, table, i);

			if (reloc.symbol > 0 && reloc.symbol <= w->elf->symbol_count &&
			    is_runtime_test(&w->elf->symbols[reloc.symbol - 1]))
				keep(w, reloc.offset);
		}
	}
}

/* Is that a part of something that is kept? */
static bool
is_kept(const struct walk *w, uint64_t vaddr)
{
	size_t low = 0, high = w->kept_count;

	while (low < high) { /* the first that begins after vaddr */
		size_t middle = low + (high - low) / 2;

		if (w->kept[middle] <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && vaddr - w->kept[low - 1] < KEPT_SIZE;
}

/* What a function that asks stores is kept, and who uses what is kept asks too. */
static void
keep_stored(struct walk *w, uint64_t longest)
{
	const struct x86_code *code = w->code;

	for (size_t i = 0; i < code->reference_count; i++) {
		const struct x86_reference *r = &code->references[i];
		const struct x86_function *from = &code->functions[r->from];

		if ((r->kind == X86_WRITES || r->kind == X86_TO_ADDRESS) && w->asks[r->from] &&
		    from->end - from->start <= longest && is_writable(w->elf, r->to))
			keep(w, r->to);
	}
	if (w->kept_count > 0)
		qsort(w->kept, w->kept_count, sizeof *w->kept, compare);
	for (size_t i = 0; i < code->reference_count; i++)
		if (is_kept(w, code->references[i].to))
			w->asks[code->references[i].from] = true;
}

/* Which functions ask: with a test, or a call to one with a test, or the use of what these keep. */
static void
find_askers(struct walk *w)
{
	const struct x86_code *code = w->code;

	for (size_t i = 0; i < code->reference_count; i++) {
		const struct x86_reference *r = &code->references[i];
		const struct x86_function *to;

		if (r->kind == X86_TO_CODE && (to = x86_code_at(code, r->to)) != NULL && to->tests)
			w->asks[r->from] = true;
	}
	for (size_t i = 0; i < code->count; i++)
		w->asks[i] |= code->functions[i].tests;
	keep_runtime(w);
	keep_stored(w, UINT64_MAX);
	keep_stored(w, SETTER_MAX);
}

static void
reach(struct walk *w, uint64_t vaddr, const char *entry)
{
	const struct x86_function *f = x86_code_at(w->code, vaddr);

	if (f == NULL || w->entries[index_of(w, f)] != NULL)
		return;
	w->entries[index_of(w, f)] = entry;
	w->waiting[w->waiting_count++] = index_of(w, f);
}

/* Where Node and the loader enter. */
static void
reach_entries(struct walk *w)
{
	uint32_t relative = w->elf->machine == EM_386 ? R_386_RELATIVE : R_X86_64_RELATIVE;
	struct elf_bytes b = {.data = w->data, .wide = w->elf->class == ELFCLASS64};

	for (size_t i = 0; i < w->elf->symbol_count; i++) {
		const struct elf_symbol *s = &w->elf->symbols[i];
		unsigned version;

		if (s->defined &&
		    (strcmp(s->name, NAPI_ENTRY) == 0 || node_abi_of_symbol(s->name, &version)))
			reach(w, s->value, s->name);
	}
	if (w->elf->init != 0)
		reach(w, w->elf->init, "DT_INIT");
	for (size_t table = 0; table < 2; table++) {
		for (size_t i = 0; i < w->elf->relocs[table].count; i++) {
			struct elf_reloc r = elf_reloc_at(w->elf, w->data, table, i);
			uint64_t at;

			if (r.type != relative || r.offset < w->elf->init_array ||
			    r.offset - w->elf->init_array >= w->elf->init_array_size)
				continue;
			if (!w->elf->relocs[table].addends &&
			    elf_offset(w->elf, r.offset, b.wide ? 8 : 4, &at))
				r.addend = bytes_word(&b, at);
			reach(w, r.addend, "a constructor");
		}
	}
}

/* The first reference of that function or a later one. */
static size_t
references_of(const struct x86_code *code, size_t function)
{
	size_t low = 0, high = code->reference_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (code->references[middle].from < function)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
visit(struct walk *w, size_t function, struct x86_reached *out)
{
	const struct x86_function *f = &w->code->functions[function];

	out->vector += f->vector;
	out->newer += !f->vector && f->sets != 0;
	out->sse += f->sets == 0 && f->sse;
	out->sets |= f->sets;
	if (f->sets != 0 && out->first == NULL) {
		out->first = f;
		out->entry = w->entries[function];
	}
	for (size_t i = references_of(w->code, function);
	     i < w->code->reference_count && w->code->references[i].from == function; i++)
		if (w->code->references[i].kind == X86_TO_CODE ||
		    w->code->references[i].kind == X86_TO_ADDRESS)
			reach(w, w->code->references[i].to, w->entries[function]);
}

void
x86_code_reach(const struct x86_code *code, const struct elf *elf, const void *data,
	       struct x86_reached *out)
{
	struct walk w = {.code = code, .elf = elf, .data = data};

	*out = (struct x86_reached){0};
	w.asks = xcalloc(code->count, sizeof *w.asks);
	w.entries = xcalloc(code->count, sizeof *w.entries);
	w.waiting = xcalloc(code->count, sizeof *w.waiting);
	find_askers(&w);
	reach_entries(&w);
	while (w.waiting_count > 0) {
		size_t function = w.waiting[--w.waiting_count];

		if (!w.asks[function])
			visit(&w, function, out);
	}
	free(w.asks);
	free(w.kept);
	free(w.entries);
	free(w.waiting);
}
