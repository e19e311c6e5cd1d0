#include "builder/audit/audit.h"

#include "builder/audit/elf_check.h"
#include "builder/audit/macho_check.h"
#include "builder/audit/pe_check.h"

static void
add_format(struct audit_report *r, const char *found)
{
	char want[FORMAT_TEXT_SIZE] = "an addon: an ELF file, a Windows DLL or a macOS bundle";
	struct finding *f = report_add(r, RULE_FORMAT, SEVERITY_ERROR);

	if (r->target != NULL && r->target->pe_machine != 0)
		format_pe_text(r->target->pe_machine, want);
	else if (r->target != NULL && r->target->macho_cpu != 0)
		format_macho_text(r->target->macho_cpu, want);
	else if (r->target != NULL)
		format_elf_text(r->target->elf_class, r->target->elf_data, r->target->elf_machine,
				want);
	report_say(&f->expected, "%s", want);
	report_say(&f->found, "%s", found);
}

static void
judge(const struct elf *elf, const void *data, size_t len, const struct audit_request *req,
      struct audit_report *r)
{
	struct elf_check c = {
		.elf = elf,
		.data = data,
		.len = len,
		.abi = req->abi,
		.one_system = req->floor_major != 0,
		.report = r,
	};
	struct finding *f;

	elf_measure_needs(elf, r);
	elf_measure_entry(elf, data, len, r);
	if (r->target == NULL)
		r->target = elf_target(elf);
	if (r->target == NULL) {
		f = report_add(r, RULE_MACHINE, SEVERITY_ERROR);
		report_say(&f->expected, "a file for one of the %zu targets", target_count());
		report_say(&f->found, "%s, for none of them", r->format.text);
		report_say(&f->evidence, "e_machine is %u, e_flags 0x%x", elf->machine, elf->flags);
		return;
	}
	c.target = r->target;
	c.floor_major = c.one_system ? req->floor_major : r->target->floor_major;
	c.floor_minor = c.one_system ? req->floor_minor : r->target->floor_minor;
	elf_check(&c);
}

static void
judge_pe(const struct pe *pe, const void *data, size_t len, const struct audit_request *req,
	 struct audit_report *r)
{
	struct pe_check c = {.pe = pe, .data = data, .len = len, .abi = req->abi, .report = r};
	struct finding *f;

	pe_names(pe, &c.names);
	pe_measure(&c);
	if (r->target == NULL)
		r->target = pe_target(pe);
	c.target = r->target;
	if (r->target != NULL) {
		pe_check(&c);
	} else {
		f = report_add(r, RULE_MACHINE, SEVERITY_ERROR);
		report_say(&f->expected, "a file for one of the %zu targets", target_count());
		report_say(&f->found, "%s, for none of them", r->format.text);
		report_say(&f->evidence, "Machine is 0x%x", pe->machine);
	}
	node_names_fini(&c.names);
}

struct audit_report *
audit_bytes(const void *data, size_t len, const struct audit_request *req)
{
	struct audit_report *r = report_new(req);
	struct err e = {0};
	struct elf elf;
	struct pe pe;

	format_identify(data, len, &r->format);
	if (r->format.kind == FORMAT_PE && (r->target == NULL || r->target->pe_machine != 0)) {
		if (pe_read(data, len, &pe, &e) < 0) {
			err_context(&e, "%s", r->format.text);
			add_format(r, e.msg);
		} else {
			judge_pe(&pe, data, len, req, r);
			pe_fini(&pe);
		}
	} else if (r->format.kind == FORMAT_MACHO &&
		   (r->target == NULL || r->target->macho_cpu != 0)) {
		macho_judge(data, len, req->abi, r);
	} else if (r->format.kind != FORMAT_ELF ||
		   (r->target != NULL && r->target->elf_machine == 0)) {
		add_format(r, r->format.text);
	} else if (elf_read(data, len, &elf, &e) < 0) {
		add_format(r, e.msg);
	} else {
		judge(&elf, data, len, req, r);
		elf_fini(&elf);
	}
	/* A file has a number, and not whose it is: what was asked for says. */
	if (r->abi.kind == ABI_NODE && req->abi.kind == ABI_ELECTRON)
		r->abi.kind = ABI_ELECTRON;
	report_finish(r);
	return r;
}
