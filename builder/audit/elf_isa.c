/*
 * elf_isa.c - does the code run on every processor of the target?
 *
 * x86: by decoding it. That newer instructions are in a file is no mistake: libraries have variants
 * of a function for several processors and choose one at run time. It is one
 *  - if nothing in the file ever asks the processor (error): no choice is made;
 *  - if it does, but what runs without asking, followed from the addon's entry, is nearly all newer
 *    code (error): compiled with -mavx2 or -march=native, and some library in it asks for itself;
 *  - if it does, and a part of what is followed is newer code (warning): a test may have been missed
 *    here, such as one of a flag that is kept in an object.
 *
 * ARM: by the build attributes, and by two signs of ARMv7 in the code itself (arm_code.h): this finds
 * wrong files but proves no right one. Other machines have no check.
 */
#include <elf.h>
#include <stdio.h>

#include "builder/audit/arm_code.h"
#include "builder/audit/elf_check.h"
#include "builder/audit/x86_code.h"
#include "builder/base/mem.h"

#define ISA_BASELINE 1u

/* Fewer functions than that, or a smaller part of those that use vector registers, are what a test
 * that was not seen leaves. */
#define WARNING_MIN  4
#define WARNING_PART 20

/* So many functions, and so many for each that does without, are how a file was compiled. */
#define ERROR_MIN   16
#define ERROR_TIMES 4

static void
check_note(const struct elf_check *c)
{
	uint32_t above = c->elf->x86_isa_needed & ~ISA_BASELINE;
	struct finding *f;

	if (above == 0)
		return;
	f = report_add(c->report, RULE_ISA, SEVERITY_ERROR);
	report_say(&f->expected, "code for every x86-64 processor");
	report_say(&f->found, "needs x86-64-v%d", 32 - __builtin_clz(above));
	report_say(&f->evidence, "GNU_PROPERTY_X86_ISA_1_NEEDED is 0x%x", c->elf->x86_isa_needed);
}

/* "x86-64-v3 (AVX, AVX2, FMA)"; the level only if one has all of the sets. */
static void
describe(uint32_t sets, struct name_list *out)
{
	struct name_list names = {0};
	bool all = true;
	unsigned most = 0;

	for (enum x86_set set = 0; set < X86_SET_COUNT; set++) {
		unsigned level = x86_set_level(set);

		if ((sets & 1u << set) == 0)
			continue;
		name_list_add(&names, "%s", x86_set_name(set));
		all &= level != 0;
		most = level > most ? level : most;
	}
	*out = (struct name_list){0};
	if (most > 0)
		name_list_add(out, "x86-64-v%u%s (%s)", most, all ? "" : " and more", names.text);
	else
		name_list_add(out, "%s", names.text);
}

static void
add_finding(const struct elf_check *c, enum severity severity, uint32_t sets, const char *how)
{
	struct finding *f = report_add(c->report, RULE_ISA, severity);
	struct name_list text;

	describe(sets, &text);
	report_say(&f->expected, "code for every %s",
		   c->elf->machine == EM_X86_64 ? "x86-64 processor" : "x86 processor with SSE2");
	report_say(&f->found, "code for %s, %s", text.text, how);
}

static struct finding *
last_finding(const struct elf_check *c)
{
	return &c->report->findings[c->report->finding_count - 1];
}

static void
say_untested(const struct elf_check *c, const struct x86_code *code)
{
	const struct x86_function *first = NULL;
	char place[ELF_PLACE_SIZE];
	uint32_t sets = 0;
	size_t count = 0;

	for (size_t i = 0; i < code->count; i++) {
		const struct x86_function *f = &code->functions[i];

		if (f->sets == 0)
			continue;
		first = first == NULL ? f : first;
		sets |= f->sets;
		count++;
	}
	if (first == NULL)
		return;
	add_finding(c, SEVERITY_ERROR, sets, "and nothing in the file asks the processor for it");
	report_say(&last_finding(c)->evidence, "%s at %s, in %zu functions of %zu", first->name,
		   elf_place_of(c->elf, first->newer, place), count, code->count);
}

static void
say_reached(const struct elf_check *c, const struct x86_code *code)
{
	char place[ELF_PLACE_SIZE];
	struct x86_reached r;
	size_t newer;
	bool most;

	x86_code_reach(code, c->elf, c->data, &r);
	newer = r.vector + r.newer;
	most = r.vector >= ERROR_MIN && r.vector > ERROR_TIMES * (r.sse + r.newer);
	if (newer < WARNING_MIN || newer * WARNING_PART < newer + r.sse)
		return;
	add_finding(c, most ? SEVERITY_ERROR : SEVERITY_WARNING, r.sets,
		    most ? "which nearly all of it is made of"
			 : "reached without a test that was seen");
	report_say(&last_finding(c)->evidence,
		   "%s at %s, reached from %s; in %zu functions, %zu others have SSE only",
		   r.first->name, elf_place_of(c->elf, r.first->newer, place), r.entry, newer,
		   r.sse);
}

static void
check_x86(const struct elf_check *c)
{
	struct x86_code code;
	bool newer = x86_code_read(c->elf, c->data, c->len, &code);
	struct finding *f;

	if (code.cut) {
		f = report_add(c->report, RULE_ISA, SEVERITY_WARNING);
		report_say(&f->expected, "at most %u MB of code, with at most %u references in it",
			   X86_CODE_MAX >> 20, X86_REFERENCES_MAX);
		report_say(&f->found, "more, which was not looked at");
	} else if (newer && !x86_code_tests(&code, c->elf)) {
		say_untested(c, &code);
	} else if (newer) {
		say_reached(c, &code);
	}
	x86_code_fini(&code);
}

static void
check_arm(const struct elf_check *c)
{
	unsigned arm = elf_target_arm_arch(c->target);
	const char *thumb = arm_thumb_function(c->elf);
	char place[ELF_PLACE_SIZE];
	uint64_t offset = 0;
	bool halves = arm < 7 && arm_loads_halves(c->elf, c->data, c->len, &offset);
	struct finding *f;

	if (c->elf->arm_arch <= arm && (arm >= 7 || (thumb == NULL && !halves)))
		return;
	f = report_add(c->report, RULE_ISA, SEVERITY_ERROR);
	report_say(&f->expected, "code for ARMv%u", arm);
	report_say(&f->found, "code for ARMv%u", c->elf->arm_arch > arm ? c->elf->arm_arch : 7);
	if (c->elf->arm_arch > arm)
		report_say(&f->evidence, "Tag_CPU_arch in .ARM.attributes");
	else if (halves)
		report_say(&f->evidence, "movw and movt at %s", elf_place(c->elf, offset, place));
	else
		report_say(&f->evidence, "%.160s is Thumb code, with hardware floating point",
			   thumb);
}

void
elf_check_isa(const struct elf_check *c)
{
	if (c->elf->machine == EM_X86_64 || c->elf->machine == EM_386) {
		check_note(c);
		/* What Node cannot enter is refused anyway, and nothing runs in it. */
		if (c->report->abi.kind != ABI_NONE)
			check_x86(c);
	} else if (c->elf->machine == EM_ARM) {
		check_arm(c);
	}
}
