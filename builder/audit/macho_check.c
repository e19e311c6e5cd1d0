/*
 * macho_check.c - a file as a whole: its slices, and which of them is for the target.
 */
#include "builder/audit/macho_check.h"

#include <stdlib.h>
#include <string.h>

#include "builder/audit/napi.h"
#include "builder/base/mem.h"

/* What is read of NAPI_VERSION_ENTRY. */
#define CODE_MAX 48

/* The slices of a file that could be read. */
struct file {
	struct macho_slice slices[MACHO_SLICES_MAX];
	struct macho *machos;
	size_t count, narrow; /* narrow: 32-bit ones, which are left out */
};

const struct target *
macho_target(const struct macho *m)
{
	for (size_t i = 0; i < target_count(); i++) {
		const struct target *t = target_at(i);

		if (t->macho_cpu != 0 && t->macho_cpu == m->cpu &&
		    strcmp(macho_cpu_text(m->cpu, m->subtype), macho_cpu_text(m->cpu, 0)) == 0)
			return t;
	}
	return NULL;
}

static int
read_file(const unsigned char *data, size_t len, struct file *f, struct err *e)
{
	struct macho_slice slices[MACHO_SLICES_MAX];
	size_t count;

	*f = (struct file){0};
	if (macho_slices(data, len, slices, &count, e) != 0)
		return e->code;
	f->machos = xcalloc(count, sizeof *f->machos);
	for (size_t i = 0; i < count; i++) {
		if (macho_read(data + slices[i].offset, slices[i].len, &f->machos[f->count], e) ==
		    0) {
			f->slices[f->count++] = slices[i];
			continue;
		}
		if (e->code != ERR_UNSUPPORTED)
			return e->code;
		*e = (struct err){0};
		f->narrow++;
	}
	return 0;
}

static void
free_file(struct file *f)
{
	for (size_t i = 0; i < f->count; i++)
		macho_fini(&f->machos[i]);
	free(f->machos);
}

/* The Node-API version that the addon declares, from its code. */
static bool
declared(const struct macho *m, const unsigned char *data, size_t len, unsigned *version)
{
	for (size_t i = 0; i < m->symbol_count; i++) {
		const struct macho_symbol *s = &m->symbols[i];
		size_t offset, left;

		if (s->defined && strcmp(s->name, NAPI_VERSION_ENTRY) == 0 &&
		    macho_offset(m, len, s->address, &offset, &left))
			return napi_declared_code(
				m->cpu == MACHO_CPU_ARM64 ? NAPI_CODE_ARM64 : NAPI_CODE_X86,
				data + offset, left < CODE_MAX ? left : CODE_MAX, version);
	}
	return false;
}

static bool
from_node(const struct macho *m, const struct macho_symbol *s)
{
	if ((m->flags & MACHO_TWO_LEVEL) != 0)
		return s->from == MACHO_FROM_ANY || s->from == MACHO_FROM_PROGRAM;
	/* Only the names themselves say it there. */
	return napi_is_name(s->name) || node_is_cxx(s->name) || strncmp(s->name, "uv_", 3) == 0 ||
	       strcmp(s->name, "node_module_register") == 0;
}

static void
find_names(const struct macho *m, struct node_names *out)
{
	*out = (struct node_names){0};
	for (size_t i = 0; i < m->symbol_count; i++) {
		const struct macho_symbol *s = &m->symbols[i];

		if (s->defined)
			node_names_offer(out, s->name);
		else if (!s->weak && from_node(m, s))
			node_names_take(out, s->name);
	}
}

static void
measure(const struct macho_check *c)
{
	const struct macho *m = c->macho;
	struct audit_report *r = c->report;

	r->macos = (struct audit_version){{m->os_major, m->os_minor}};
	r->libs = xcalloc(m->lib_count, sizeof *r->libs);
	r->lib_count = m->lib_count;
	for (size_t i = 0; i < m->lib_count; i++)
		report_say(&r->libs[i], "%s", m->libs[i]);
	r->napi_decoded = declared(m, c->data, c->len, &r->napi_declared);
	node_names_measure(&c->names, r);
}

/* The slice that is described: the target's, or the first that is for one at all. */
static size_t
main_slice(const struct file *f, const struct target *target)
{
	size_t i = 0;

	while (i < f->count && (macho_target(&f->machos[i]) == NULL ||
				(target != NULL && macho_target(&f->machos[i]) != target)))
		i++;
	return i;
}

static void
add_wrong_machine(const struct file *f, struct audit_report *r)
{
	bool narrow = f->count == 0 && f->narrow > 0;
	struct finding *x = report_add(r, narrow ? RULE_CLASS : RULE_MACHINE, SEVERITY_ERROR);
	struct name_list found = {0};

	for (size_t i = 0; i < f->count; i++)
		name_list_add(&found, "%s", macho_cpu_text(f->machos[i].cpu, f->machos[i].subtype));
	if (narrow)
		report_say(&x->expected, "64-bit Mach-O, little-endian");
	else if (r->target != NULL)
		report_say(&x->expected, "%s, for %s", macho_cpu_text(r->target->macho_cpu, 0),
			   r->target->triple);
	else
		report_say(&x->expected, "a file for one of the %zu targets", target_count());
	report_say(&x->found, "%s", r->format.text);
	if (found.count > 0)
		report_say(&x->evidence, "made for %s", found.text);
}

static void
judge_slice(const struct file *f, size_t i, const unsigned char *data, struct abi abi,
	    struct audit_report *r)
{
	struct macho_check c = {
		.macho = &f->machos[i],
		.data = data + f->slices[i].offset,
		.len = f->slices[i].len,
		.target = r->target,
		.abi = abi,
		.report = r,
	};
	struct finding *x;

	find_names(c.macho, &c.names);
	measure(&c);
	macho_check(&c);
	if (f->slices[i].offset % c.target->page_align != 0) {
		x = report_add(r, RULE_ALIGN, SEVERITY_ERROR);
		report_say(&x->expected, "a slice that begins on a page of 0x%llx",
			   (unsigned long long)c.target->page_align);
		report_say(&x->found, "it begins at 0x%zx", f->slices[i].offset);
	}
	node_names_fini(&c.names);
}

/* What is said of another slice than the described one stands behind that. */
static void
judge_other(const struct file *f, size_t i, const unsigned char *data, struct abi abi,
	    struct audit_report *r)
{
	const struct target *t = macho_target(&f->machos[i]);
	struct audit_report *other;

	if (t == NULL)
		return;
	other = report_new(&(struct audit_request){.target = t});
	other->format = r->format;
	judge_slice(f, i, data, abi, other);
	report_take(r, other, macho_cpu_text(f->machos[i].cpu, 0));
	audit_free(other);
}

void
macho_judge(const void *data, size_t len, struct abi abi, struct audit_report *r)
{
	struct err e = {0};
	const struct target *target;
	struct finding *x;
	struct file f;
	size_t main;

	if (read_file(data, len, &f, &e) != 0) {
		x = report_add(r, RULE_FORMAT, SEVERITY_ERROR);
		report_say(&x->expected, "a macOS bundle that can be read");
		report_say(&x->found, "%s: %s", r->format.text, e.msg);
		free_file(&f);
		return;
	}
	main = main_slice(&f, r->target);
	target = main < f.count ? macho_target(&f.machos[main]) : NULL;
	if (target == NULL) {
		add_wrong_machine(&f, r);
	} else {
		r->target = target;
		judge_slice(&f, main, data, abi, r);
		for (size_t i = 0; i < f.count; i++)
			if (i != main)
				judge_other(&f, i, data, abi, r);
	}
	free_file(&f);
}
