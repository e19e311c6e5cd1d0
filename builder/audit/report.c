#include "builder/audit/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/audit/runs_on.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"

/* A hostile file's symbol names can be megabytes long; nobody reads that much. */
#define TEXT_SIZE 512

const char *
audit_rule_name(enum audit_rule rule)
{
	static const char *const names[] = {
#define X(constant, name) [constant] = name,
		AUDIT_RULES(X)
#undef X
	};

	return (size_t)rule < ARRAY_SIZE(names) ? names[rule] : "unknown";
}

struct audit_report *
report_new(const struct audit_request *req)
{
	struct audit_report *r = xcalloc(1, sizeof *r);

	r->file = xstrdup(req->file != NULL ? req->file : "");
	r->target = req->target;
	return r;
}

struct finding *
report_add(struct audit_report *r, enum audit_rule rule, enum severity severity)
{
	struct finding *f;

	r->findings = xrealloc(r->findings, (r->finding_count + 1) * sizeof *r->findings);
	f = &r->findings[r->finding_count++];
	*f = (struct finding){.rule = rule, .severity = severity};
	return f;
}

void
report_say(char **text, const char *fmt, ...)
{
	char line[TEXT_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	for (char *p = line; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	free(*text);
	*text = xstrdup(line);
}

static void
list_add(struct name_list *l, const char *fmt, va_list ap)
{
	size_t used = strlen(l->text);

	if (l->count++ > NAME_LIST_SHOWN)
		return;
	if (l->count > 1)
		used += (size_t)snprintf(l->text + used, sizeof l->text - used, ", ");
	if (used >= sizeof l->text)
		return;
	if (l->count > NAME_LIST_SHOWN)
		snprintf(l->text + used, sizeof l->text - used, "...");
	else
		vsnprintf(l->text + used, sizeof l->text - used, fmt, ap);
}

void
name_list_add(struct name_list *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	list_add(l, fmt, ap);
	va_end(ap);
}

void
name_list_add_symbol(struct name_list *l, const char *name, const char *fmt, ...)
{
	va_list ap;

	if (l->count < NAME_LIST_SHOWN)
		l->symbols[l->count] = name;
	va_start(ap, fmt);
	list_add(l, fmt, ap);
	va_end(ap);
}

void
report_say_symbols(struct finding *f, const struct name_list *l)
{
	report_say(&f->evidence, "%s", l->text);
	for (size_t i = 0; i < NAME_LIST_SHOWN; i++)
		if (l->symbols[i] != NULL && !strv_has(&f->symbols, l->symbols[i]))
			strv_add(&f->symbols, l->symbols[i]);
}

void
report_version(struct audit_version v, char out[AUDIT_VERSION_SIZE])
{
	int n = snprintf(out, AUDIT_VERSION_SIZE, "%u.%u", v.part[0], v.part[1]);

	if (v.part[2] != 0)
		snprintf(out + n, AUDIT_VERSION_SIZE - (size_t)n, ".%u", v.part[2]);
}

void
audit_free(struct audit_report *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->finding_count; i++) {
		free(r->findings[i].expected);
		free(r->findings[i].found);
		free(r->findings[i].evidence);
		strv_fini(&r->findings[i].symbols);
	}
	for (size_t i = 0; i < r->lib_count; i++)
		free(r->libs[i]);
	free(r->libs);
	free(r->findings);
	free(r->summary);
	free(r->file);
	free(r);
}

static const struct finding *
first_error(const struct audit_report *r)
{
	for (size_t i = 0; i < r->finding_count; i++)
		if (r->findings[i].severity == SEVERITY_ERROR)
			return &r->findings[i];
	return NULL;
}

bool
audit_passed(const struct audit_report *r)
{
	return first_error(r) == NULL;
}

const char *
audit_summary(const struct audit_report *r)
{
	return r->summary != NULL ? r->summary : "";
}

const struct strv *
audit_blamed(const struct audit_report *r)
{
	static const struct strv none;
	const struct finding *f = first_error(r);

	return f != NULL ? &f->symbols : &none;
}

void
report_take(struct audit_report *r, struct audit_report *part, const char *name)
{
	for (size_t i = 0; i < part->finding_count; i++) {
		struct finding *from = &part->findings[i], *to;
		char *found = from->found;

		to = report_add(r, from->rule, from->severity);
		*to = *from;
		*from = (struct finding){0};
		to->found = xasprintf("in the part for %s: %s", name, found);
		free(found);
	}
}

void
report_finish(struct audit_report *r)
{
	const struct finding *f = first_error(r);

	if (f == NULL)
		return;
	free(r->summary);
	r->summary =
		xasprintf("%s: %s%s%s%s%s%s", audit_rule_name(f->rule), f->found,
			  f->expected != NULL ? "; expected " : "",
			  f->expected != NULL ? f->expected : "", f->evidence != NULL ? " (" : "",
			  f->evidence != NULL ? f->evidence : "", f->evidence != NULL ? ")" : "");
}

static void
set_version(struct json *object, const char *name, struct audit_version v)
{
	char text[AUDIT_VERSION_SIZE];

	report_version(v, text);
	json_set_str(object, name, v.part[0] != 0 ? text : NULL);
}

static void
set_number(struct json *object, const char *name, bool known, unsigned n)
{
	if (known)
		json_set_int(object, name, n);
	else
		json_set_str(object, name, NULL);
}

static struct json *
abi_json(const struct audit_report *r)
{
	static const char *const kinds[] = {
		[ABI_NONE] = NULL,
		[ABI_NAPI] = "napi",
		[ABI_NODE] = "node",
		[ABI_ELECTRON] = "electron",
	};
	struct json *abi = json_object();

	json_set_str(abi, "kind", kinds[r->abi.kind]);
	set_number(abi, "version", r->abi.version != 0, r->abi.version);
	if (r->abi.kind == ABI_NAPI) {
		json_set_int(abi, "used", r->napi_used);
		set_number(abi, "declared", r->napi_decoded, r->napi_declared);
	}
	return abi;
}

static struct json *
needs_json(const struct audit_report *r)
{
	struct json *needs = json_object(), *libs = json_array();

	set_version(needs, "glibc", r->glibc);
	set_version(needs, "glibcxx", r->glibcxx);
	set_version(needs, "macos", r->macos);
	for (size_t i = 0; i < r->lib_count; i++)
		json_add_str(libs, r->libs[i]);
	json_set(needs, "libs", libs);
	return needs;
}

static struct json *
finding_json(const struct finding *f)
{
	struct json *v = json_object();

	json_set_str(v, "rule", audit_rule_name(f->rule));
	json_set_str(v, "severity", f->severity == SEVERITY_ERROR ? "error" : "warning");
	json_set_str(v, "expected", f->expected);
	json_set_str(v, "found", f->found);
	json_set_str(v, "evidence", f->evidence);
	return v;
}

struct json *
audit_json(const struct audit_report *r)
{
	struct json *v = json_object(), *findings = json_array(), *load = json_object();

	json_set_str(v, "file", r->file);
	json_set_str(v, "format", format_name(r->format.kind));
	json_set_str(v, "target", r->target != NULL ? r->target->triple : NULL);
	json_set_str(v, "verdict", audit_passed(r) ? "pass" : "fail");
	json_set(v, "abi", abi_json(r));
	json_set(v, "needs", needs_json(r));
	json_set(v, "runs_on", runs_on_json(r));
	for (size_t i = 0; i < r->finding_count; i++)
		json_add(findings, finding_json(&r->findings[i]));
	json_set(v, "findings", findings);
	json_set_bool(load, "ran", false);
	json_set(v, "load", load);
	return v;
}
