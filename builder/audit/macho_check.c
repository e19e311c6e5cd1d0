#include "builder/audit/macho_check.h"

#include <stdio.h>
#include <string.h>

#include "builder/audit/macho_read.h"
#include "builder/audit/napi.h"
#include "builder/audit/node_abi.h"
#include "builder/base/mem.h"

/* What is read of NAPI_VERSION_ENTRY. */
#define CODE_MAX 48

static const char *
cpu_name(uint32_t cpu)
{
	return cpu == MACHO_CPU_ARM64 ? "arm64" : cpu == MACHO_CPU_X86_64 ? "x86-64" : "other";
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

static void
measure(const struct macho *m, const unsigned char *data, size_t len, struct audit_report *r)
{
	size_t n = strlen(r->format.text);

	if (m->os_major != 0)
		snprintf(r->format.text + n, sizeof r->format.text - n,
			 ", built for macOS %u.%u or later", m->os_major, m->os_minor);
	r->libs = xcalloc(m->lib_count, sizeof *r->libs);
	r->lib_count = m->lib_count;
	for (size_t i = 0; i < m->lib_count; i++)
		report_say(&r->libs[i], "%s", m->libs[i]);
	for (size_t i = 0; i < m->symbol_count; i++) {
		const struct macho_symbol *s = &m->symbols[i];
		unsigned version = s->defined ? 0 : napi_symbol_version(s->name);

		if (version > r->napi_used)
			r->napi_used = version;
		if (s->defined && strcmp(s->name, NAPI_ENTRY) == 0)
			r->abi.kind = ABI_NAPI;
		else if (s->defined && node_abi_of_symbol(s->name, &version))
			r->abi = (struct abi){ABI_NODE, version};
		else if (!s->defined && r->abi.kind == ABI_NONE &&
			 strcmp(s->name, "napi_module_register") == 0)
			r->abi.kind = ABI_NAPI;
	}
	if (r->abi.kind != ABI_NAPI)
		return;
	r->napi_decoded = declared(m, data, len, &r->napi_declared);
	r->abi.version = r->napi_decoded && r->napi_declared > r->napi_used ? r->napi_declared
									    : r->napi_used;
}

static void
check_slice(const struct macho *m, struct audit_report *r)
{
	struct name_list foreign = {0}, paths = {0};
	struct finding *f;

	for (size_t i = 0; i < m->lib_count; i++)
		if (strncmp(m->libs[i], "/usr/lib/", 9) != 0 &&
		    strncmp(m->libs[i], "/System/Library/", 16) != 0)
			name_list_add(&foreign, "%s", m->libs[i]);
	for (size_t i = 0; i < m->rpath_count; i++)
		name_list_add(&paths, "%s", m->rpaths[i]);
	if (foreign.count > 0) {
		f = report_add(r, RULE_NEEDED, SEVERITY_ERROR);
		report_say(&f->expected, "only libraries of macOS");
		report_say(&f->found, "needs %s", foreign.text);
		report_say(&f->evidence, "LC_LOAD_DYLIB of the %s slice", cpu_name(m->cpu));
	}
	if (paths.count > 0) {
		f = report_add(r, RULE_RPATH, SEVERITY_ERROR);
		report_say(&f->expected, "no path to search libraries in");
		report_say(&f->found, "%s", paths.text);
		report_say(&f->evidence, "LC_RPATH of the %s slice", cpu_name(m->cpu));
	}
	if (m->type != MACHO_BUNDLE) {
		f = report_add(r, RULE_FORMAT, SEVERITY_WARNING);
		report_say(&f->expected, "a bundle (MH_BUNDLE), as addons are");
		report_say(&f->found, "file type %u", m->type);
	}
	if (m->cpu == MACHO_CPU_ARM64 && !m->has_signature) {
		f = report_add(r, RULE_FORMAT, SEVERITY_ERROR);
		report_say(&f->expected, "a code signature, which macOS demands on arm64");
		report_say(&f->found, "none");
		report_say(&f->evidence,
			   "no LC_CODE_SIGNATURE; an ad-hoc one is enough: codesign -s -");
	}
}

void
macho_check(const void *data, size_t len, struct audit_report *r)
{
	struct macho_slice slices[MACHO_SLICES_MAX];
	size_t count = 0;
	struct err e = {0};

	macho_slices(data, len, slices, &count, &e);
	for (size_t i = 0; e.code == 0 && i < count; i++) {
		const unsigned char *slice = (const unsigned char *)data + slices[i].offset;
		struct macho m;

		if (macho_read(slice, slices[i].len, &m, &e) != 0)
			break;
		if (i == 0)
			measure(&m, slice, slices[i].len, r);
		check_slice(&m, r);
		macho_fini(&m);
	}
	if (e.code != 0) {
		size_t n = strlen(r->format.text);

		snprintf(r->format.text + n, sizeof r->format.text - n, ": %s", e.msg);
	}
}
