#include "builder/audit/elf_check.h"

#include <elf.h>
#include <stdio.h>

static const char *
type_text(const struct elf *elf)
{
	if (elf->type == ET_REL)
		return "an object file that was not linked";
	if (elf->type == ET_EXEC)
		return "a program";
	if (elf->type == ET_CORE)
		return "a core dump";
	if (elf->interp != NULL || (elf->dt_flags_1 & DF_1_PIE) != 0)
		return "a program (position independent)";
	if (elf->type != ET_DYN)
		return "of an unknown type";
	if (!elf->has_dynamic)
		return "without a dynamic section";
	return NULL;
}

/* Rules format, machine and class: false if what the others would say makes no sense. */
static bool
check_identity(const struct elf_check *c)
{
	const struct target *t = c->target;
	const struct elf *elf = c->elf;
	const char *type = type_text(elf);
	char want[FORMAT_TEXT_SIZE];
	struct finding *f;

	format_elf_text(t->elf_class, t->elf_data, t->elf_machine, want);
	if (elf->class != t->elf_class || elf->data != t->elf_data) {
		f = report_add(c->report, RULE_CLASS, SEVERITY_ERROR);
		report_say(&f->expected, "%s", want);
		report_say(&f->found, "%s", c->report->format.text);
		report_say(&f->evidence, "EI_CLASS is %u, EI_DATA is %u", elf->class, elf->data);
	}
	if (elf->machine != t->elf_machine) {
		f = report_add(c->report, RULE_MACHINE, SEVERITY_ERROR);
		report_say(&f->expected, "%s", want);
		report_say(&f->found, "%s", c->report->format.text);
		report_say(&f->evidence, "e_machine is %u, %s has %u", elf->machine, t->triple,
			   t->elf_machine);
	}
	if (type != NULL) {
		f = report_add(c->report, RULE_FORMAT, SEVERITY_ERROR);
		report_say(&f->expected, "a shared object");
		report_say(&f->found, "%s", type);
		report_say(&f->evidence, "e_type is %u%s%s", elf->type,
			   elf->interp != NULL ? ", PT_INTERP is " : "",
			   elf->interp != NULL ? elf->interp : "");
	}
	if (elf->osabi != ELFOSABI_NONE && elf->osabi != ELFOSABI_GNU) {
		f = report_add(c->report, RULE_FORMAT, SEVERITY_ERROR);
		report_say(&f->expected, "EI_OSABI 0 (System V) or 3 (GNU)");
		report_say(&f->found, "EI_OSABI %u%s", elf->osabi,
			   elf->osabi == ELFOSABI_FREEBSD ? " (FreeBSD)" : "");
	}
	/* The loader does not look at them, so such a file may even work. */
	if (elf->sections_cut) {
		f = report_add(c->report, RULE_FORMAT, SEVERITY_WARNING);
		report_say(&f->expected, "a whole file");
		report_say(&f->found, "the section headers lie outside the file (truncated?)");
		report_say(&f->evidence, "e_shoff, the file has %zu bytes", c->len);
	}
	return elf->class == t->elf_class && elf->data == t->elf_data &&
	       elf->machine == t->elf_machine && type == NULL;
}

void
elf_check(const struct elf_check *c)
{
	if (!check_identity(c))
		return;
	elf_check_entry(c);
	elf_check_napi(c);
	elf_check_needed(c);
	elf_check_versions(c);
	elf_check_symbols(c);
	elf_check_cxx(c);
	elf_check_layout(c);
	elf_check_isa(c);
	elf_check_exports(c);
	elf_check_paths(c);
}
