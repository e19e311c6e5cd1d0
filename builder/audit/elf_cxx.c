/*
 * elf_cxx.c - the C++ runtime of an addon that uses V8 or Node directly.
 *
 * Node is built with libstdc++, and types of the C++ library cross the border: a shared_ptr that V8
 * returns is laid out and released as libstdc++ does it. Code that was compiled with LLVM's libc++
 * reads it wrongly, without a word from linker or loader, since the name of a function does not say
 * what it returns. Node-API addons are C at the border, and may have any runtime inside.
 *
 * How libc++ shows: names of its types begin with St3__1, its inline namespace, in symbols and in
 * type information. Stripped code that only uses what others made has neither, so the third mark
 * is what libc++ cannot be without: a message of its lower half, libc++abi, which is linked with
 * whatever throws, allocates or must not be left by an exception.
 */
#include <stdlib.h>
#include <string.h>

#include "builder/audit/elf_check.h"
#include "builder/audit/elf_ranges.h"
#include "builder/audit/node_names.h"
#include "builder/base/mem.h"

#define LIBCXX_NAMESPACE "St3__1"

/* Texts of constants: the namespace in type information, the start of libc++abi's last words. */
static const char *const texts[] = {LIBCXX_NAMESPACE, "libc++abi: "};

/* The offset of the first of the texts in what is mapped read-only. */
static const char *
find_text(const struct elf_check *c, uint64_t *offset)
{
	struct elf_ranges ranges = {0};
	const char *text = NULL;

	elf_ranges_add_read_only(&ranges, c->elf, c->len);
	elf_ranges_merge(&ranges);
	for (size_t i = 0; text == NULL && i < ranges.count * ARRAY_SIZE(texts); i++) {
		const struct elf_range *r = &ranges.at[i / ARRAY_SIZE(texts)];
		const char *want = texts[i % ARRAY_SIZE(texts)];
		const unsigned char *at =
			memmem(c->data + r->start, r->end - r->start, want, strlen(want));

		if (at != NULL) {
			text = want;
			*offset = (uint64_t)(at - c->data);
		}
	}
	elf_ranges_fini(&ranges);
	return text;
}

void
elf_check_cxx(const struct elf_check *c)
{
	const char *node = NULL, *name = NULL, *text = NULL;
	char place[ELF_PLACE_SIZE];
	uint64_t offset = 0;
	struct finding *f;

	for (size_t i = 0; i < c->elf->symbol_count; i++) {
		const struct elf_symbol *s = &c->elf->symbols[i];

		if (node == NULL && !s->defined && node_is_cxx(s->name))
			node = s->name;
		if (name == NULL && strstr(s->name, LIBCXX_NAMESPACE) != NULL)
			name = s->name;
	}
	if (node == NULL || (name == NULL && (text = find_text(c, &offset)) == NULL))
		return;
	f = report_add(c->report, RULE_SYMBOLS, SEVERITY_ERROR);
	report_say(&f->expected, "libstdc++, the C++ runtime that Node has, for what uses V8");
	report_say(&f->found,
		   "libc++: its types differ, and what V8 returns is read wrongly in silence");
	if (name != NULL)
		report_say(&f->evidence, "imports %.160s; has the symbol %.160s", node, name);
	else
		report_say(&f->evidence, "imports %.160s; has the text \"%s\" at %s", node, text,
			   elf_place(c->elf, offset, place));
}
