#include "builder/audit/x86_code.h"

#include <elf.h>
#include <stdlib.h>

#include "builder/audit/elf_functions.h"
#include "builder/audit/elf_ranges.h"
#include "builder/audit/elf_read.h"
#include "builder/base/mem.h"

/* Shorter gaps between functions are padding. */
#define GAP_MIN 16

struct reader {
	const struct elf *elf;
	const unsigned char *data;
	size_t len;
	struct x86_decoder *decoder;
	struct elf_function *named; /* by the table for unwinding */
	size_t named_count;
	struct x86_code *code;
	uint64_t taken; /* bytes of code so far, for the limit */
};

static void
add_function(struct reader *r, uint64_t start, uint64_t end, uint64_t offset, bool named)
{
	struct x86_code *code = r->code;

	if ((code->count & (code->count - 1)) == 0) /* full at powers of two */
		code->functions =
			xrealloc(code->functions,
				 (code->count > 0 ? 2 * code->count : 1) * sizeof *code->functions);
	code->functions[code->count++] =
		(struct x86_function){.start = start, .end = end, .offset = offset, .named = named};
}

/* Cuts mapped code, `size` bytes at an address and an offset, into functions and what is between. */
static void
add_functions(struct reader *r, uint64_t vaddr, uint64_t offset, uint64_t size)
{
	uint64_t at = vaddr, end = vaddr + size;
	size_t i = 0, high = r->named_count;

	while (i < high) { /* the first that ends after vaddr */
		size_t middle = i + (high - i) / 2;

		if (r->named[middle].end <= vaddr)
			i = middle + 1;
		else
			high = middle;
	}
	for (; i < r->named_count && r->named[i].start < end; i++) {
		struct elf_function f = r->named[i];

		if (f.start < at)
			f.start = at;
		if (f.end > end)
			f.end = end;
		if (f.end <= f.start)
			continue;
		if (f.start - at >= GAP_MIN)
			add_function(r, at, f.start, offset + (at - vaddr), false);
		add_function(r, f.start, f.end, offset + (f.start - vaddr), true);
		at = f.end;
	}
	if (end - at >= GAP_MIN)
		add_function(r, at, end, offset + (at - vaddr), false);
}

/* A part of the file that is executable code, where segments map it; what is mapped twice counts
 * where it is mapped first. */
static void
add_range(struct reader *r, const struct elf_range *range)
{
	uint64_t at = range->start;

	for (size_t i = 0; i < r->elf->segment_count && at < range->end;) {
		const struct elf_segment *s = &r->elf->segments[i++];
		uint64_t size;

		if (s->type != PT_LOAD || (s->flags & PF_X) == 0 || at < s->offset ||
		    at - s->offset >= s->filesz || s->vaddr + s->filesz < s->vaddr)
			continue;
		size = s->filesz - (at - s->offset);
		if (size > range->end - at)
			size = range->end - at;
		if (size > X86_CODE_MAX - r->taken) {
			r->code->cut = true;
			return;
		}
		r->taken += size;
		add_functions(r, s->vaddr + (at - s->offset), at, size);
		at += size;
		i = 0;
	}
}

static int
compare(const void *a, const void *b)
{
	const struct x86_function *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static void
find_functions(struct reader *r)
{
	struct elf_ranges ranges = {0};

	elf_ranges_add_code(&ranges, r->elf, r->len);
	elf_ranges_merge(&ranges);
	for (size_t i = 0; i < ranges.count; i++)
		add_range(r, &ranges.at[i]);
	elf_ranges_fini(&ranges);
	if (r->code->count > 0)
		qsort(r->code->functions, r->code->count, sizeof *r->code->functions, compare);
}

static void
add_reference(struct reader *r, const struct x86_function *f, const struct x86_insn *insn)
{
	struct x86_code *code = r->code;
	size_t n = code->reference_count;

	/* Inside of a function there are only its own branches. */
	if (insn->target >= f->start && insn->target < f->end)
		return;
	if (n == X86_REFERENCES_MAX) {
		code->cut = true;
		return;
	}
	if ((n & (n - 1)) == 0)
		code->references =
			xrealloc(code->references, (n > 0 ? 2 * n : 1) * sizeof *code->references);
	code->references[code->reference_count++] = (struct x86_reference){
		.to = insn->target,
		.from = (uint32_t)(f - code->functions),
		.kind = insn->refers,
	};
}

/* Decodes a function, once. What is outside of the table and cannot be decoded has told nothing. */
static void
decode(struct reader *r, struct x86_function *f)
{
	const unsigned char *code = r->data + f->offset;
	size_t size = (size_t)(f->end - f->start), before = r->code->reference_count;
	struct x86_insn insn;
	bool bad = false;

	if (f->decoded)
		return;
	f->decoded = true;
	for (size_t at = 0; at < size; at += insn.length) {
		if (!x86_decode(r->decoder, code + at, size - at, f->start + at, &insn)) {
			bad = true;
			insn.length = 1;
			continue;
		}
		if (insn.sets != 0 && f->sets == 0) {
			f->newer = f->start + at;
			f->name = insn.name;
		}
		f->sets |= insn.sets;
		f->vector |= insn.vector;
		f->sse |= insn.sse;
		f->tests |= insn.tests;
		if (insn.refers != X86_REFERS_NOT)
			add_reference(r, f, &insn);
	}
	if (bad && !f->named) {
		f->sets = 0;
		f->vector = f->sse = false;
		r->code->reference_count = before;
	}
}

static int
compare_references(const void *a, const void *b)
{
	const struct x86_reference *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

bool
x86_code_read(const struct elf *elf, const void *data, size_t len, struct x86_code *out)
{
	struct reader r = {.elf = elf, .data = data, .len = len, .code = out};
	bool newer = false;

	*out = (struct x86_code){0};
	r.decoder = x86_decoder_new(elf->class == ELFCLASS64, elf->got);
	r.named_count = elf_functions(elf, data, &r.named);
	find_functions(&r);
	for (size_t i = 0; i < out->count && !newer; i++) {
		struct x86_function *f = &out->functions[i];

		if (x86_may_be_newer(r.data + f->offset, (size_t)(f->end - f->start)))
			decode(&r, f);
		newer = f->sets != 0;
	}
	for (size_t i = 0; newer && i < out->count; i++)
		decode(&r, &out->functions[i]);
	if (newer && out->reference_count > 0)
		qsort(out->references, out->reference_count, sizeof *out->references,
		      compare_references);
	x86_decoder_free(r.decoder);
	free(r.named);
	return newer;
}

void
x86_code_fini(struct x86_code *code)
{
	free(code->functions);
	free(code->references);
	*code = (struct x86_code){0};
}

struct x86_function *
x86_code_at(const struct x86_code *code, uint64_t vaddr)
{
	size_t low = 0, high = code->count;

	while (low < high) { /* the first that ends after vaddr */
		size_t middle = low + (high - low) / 2;

		if (code->functions[middle].end <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < code->count && code->functions[low].start <= vaddr ? &code->functions[low]
									: NULL;
}
