/*
 * elf_paths.c - what a build leaves in a file: debug information, and paths of the machine that
 * built it, which make the file differ from one built elsewhere.
 */
#include <ctype.h>
#include <elf.h>
#include <string.h>

#include "builder/audit/elf_check.h"
#include "builder/audit/elf_ranges.h"
#include "builder/base/mem.h"

/* Where build machines keep sources. */
static const char *const roots[] = {
	"/home/", "/root/", "/build/", "/builds/", "/tmp/", "/workspace/", "/Users/",
};

/* As much of a path as is shown. */
#define PATH_SHOWN 120

static bool
in_path(unsigned char ch)
{
	return isalnum(ch) || (ch != '\0' && strchr("/._-+~@", ch) != NULL);
}

/* Length of the path that begins here, 0 if none does or it is the middle of a longer one. A name
 * directly below the root without a suffix, "/tmp/lock-", is one that the program itself uses. */
static size_t
path_length(const unsigned char *start, const unsigned char *at, const unsigned char *end)
{
	size_t len = 0, root = 0;

	if (at > start && in_path(at[-1]))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(roots) && root == 0; i++)
		if ((size_t)(end - at) > strlen(roots[i]) &&
		    memcmp(at, roots[i], strlen(roots[i])) == 0)
			root = strlen(roots[i]);
	if (root == 0)
		return 0;
	while (len < PATH_SHOWN && at + len < end && in_path(at[len]))
		len++;
	if (memchr(at + root, '/', len - root) == NULL &&
	    memchr(at + root, '.', len - root) == NULL)
		return 0;
	return len;
}

struct found_paths {
	size_t count;
	char first[PATH_SHOWN + 1];
	uint64_t offset;
};

static void
scan(const struct elf_check *c, const struct elf_range *range, struct found_paths *out)
{
	const unsigned char *start = c->data + range->start, *end = c->data + range->end;
	const unsigned char *at = start;

	while (at < end && (at = memchr(at, '/', (size_t)(end - at))) != NULL) {
		size_t len = path_length(start, at, end);

		if (len > 0 && out->count++ == 0) {
			memcpy(out->first, at, len);
			out->offset = (uint64_t)(at - c->data);
		}
		at++;
	}
}

/* Constants lie in .rodata; without section headers, somewhere in what is mapped read-only. */
static void
scan_constants(const struct elf_check *c, struct found_paths *out)
{
	const struct elf *elf = c->elf;
	struct elf_ranges ranges = {0};

	for (size_t i = 0; i < elf->section_count; i++)
		if (elf->sections[i].type == SHT_PROGBITS &&
		    starts_with(elf->sections[i].name, ".rodata"))
			elf_ranges_add(&ranges, elf->sections[i].offset, elf->sections[i].size,
				       c->len);
	if (elf->section_count == 0)
		elf_ranges_add_read_only(&ranges, elf, c->len);
	elf_ranges_merge(&ranges);
	for (size_t i = 0; i < ranges.count; i++)
		scan(c, &ranges.at[i], out);
	elf_ranges_fini(&ranges);
}

void
elf_check_paths(const struct elf_check *c)
{
	struct found_paths paths = {0};
	char place[ELF_PLACE_SIZE];
	struct finding *f;

	if (c->elf->has_debug_info) {
		f = report_add(c->report, RULE_DEBUG_PATH, SEVERITY_WARNING);
		report_say(&f->expected, "no debug information (strip)");
		report_say(&f->found, "debug information");
		report_say(&f->evidence, "section .debug_info");
	}
	scan_constants(c, &paths);
	if (paths.count > 0) {
		f = report_add(c->report, RULE_DEBUG_PATH, SEVERITY_WARNING);
		report_say(&f->expected,
			   "no paths of the machine that built it (-ffile-prefix-map)");
		report_say(&f->found, "%zu paths", paths.count);
		report_say(&f->evidence, "%s at %s", paths.first,
			   elf_place(c->elf, paths.offset, place));
	}
}
