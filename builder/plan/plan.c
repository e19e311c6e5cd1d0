#include "builder/plan/plan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/plan/flags.h"
#include "builder/plan/msvc.h"
#include "builder/plan/weight.h"
#include "builder/plan/xcode.h"
#include "builder/toolchain/toolchain.h"

const char plan_exports[] = "{ global: napi_register_module_v*; node_api_module_get_api_version_v*;"
			    " node_register_module_v*; local: *; };\n";

/* One gyp target while the plan is made. */
struct unit {
	const struct json *json, *release;
	const char *id, *dir, *name, *type;
	size_t *units; /* indices of its dependencies */
	size_t unit_count;
	struct strv objects; /* of its own sources */
	char *archive;
	size_t first, end; /* its steps */
	size_t *gates;     /* action and copy steps of it */
	size_t gate_count;
	enum { NEW, OPEN, DONE } state;
	unsigned seen; /* the last walk that came by: each unit is visited once a walk */
};

struct making {
	const struct toolchain *toolchain;
	const struct strv *cxx, *ldlibs; /* of the C++ library that the addon gets */
	struct plan *plan;
	struct unit *units;
	size_t unit_count;
	struct unit *addon;
	unsigned walk;
	struct err *e;
};

/* Asked for each action, copy and source: what else there is are a few for each of these. */
static int
check_count(const struct making *m)
{
	if (m->plan->count < PLAN_STEPS_MAX)
		return 0;
	return err_set(m->e, ERR_LIMIT, "binding.gyp: more than %d steps", PLAN_STEPS_MAX);
}

static struct step *
add_step(struct making *m, enum step_kind kind, const char *cwd)
{
	struct plan *p = m->plan;
	struct step *s;

	p->steps = xrealloc(p->steps, (p->count + 1) * sizeof *p->steps);
	s = &p->steps[p->count++];
	*s = (struct step){.kind = kind, .cwd = xstrdup(cwd)};
	return s;
}

/* Nobody adds one twice: a hostile plan has too many of them to look each time. */
static void
add_need(struct step *s, size_t need)
{
	if ((s->need_count & (s->need_count - 1)) == 0) /* full at powers of two */
		s->needs = xrealloc(s->needs,
				    (s->need_count > 0 ? 2 * s->need_count : 1) * sizeof *s->needs);
	s->needs[s->need_count++] = need;
}

static void
walk_gates(const struct making *m, struct unit *u, struct step *s)
{
	if (u->seen == m->walk)
		return;
	u->seen = m->walk;
	for (size_t i = 0; i < u->gate_count; i++)
		add_need(s, u->gates[i]);
	for (size_t i = 0; i < u->unit_count; i++)
		walk_gates(m, &m->units[u->units[i]], s);
}

/* What generates files in a unit or below it must have run before its own steps. */
static void
add_gates(struct making *m, struct unit *u, struct step *s)
{
	m->walk++;
	walk_gates(m, u, s);
}

static char *
absolute(const char *dir, const char *path)
{
	return path[0] == '/' ? xstrdup(path) : xasprintf("%s/%s", dir, path);
}

static const char *
extension(const char *path)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');

	return dot != NULL && (slash == NULL || dot > slash) ? dot + 1 : "";
}

static bool
one_of(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(s, list[i]) == 0)
			return true;
	return false;
}

static bool
for_windows(const struct making *m)
{
	return m->toolchain->target != NULL && m->toolchain->target->pe_machine != 0;
}

static bool
for_macos(const struct making *m)
{
	return m->toolchain->target != NULL && m->toolchain->target->macho_cpu != 0;
}

enum language { LANG_NONE, LANG_C, LANG_CXX, LANG_ASM };

/* Objective-C is told by its suffix, to clang too; elsewhere than on macOS nobody compiles it. */
static enum language
language_of(const struct making *m, const char *path)
{
	static const char *const cxx[] = {"cc", "cpp", "cxx", "c++", "C"};
	static const char *const assembler[] = {"S", "s", "asm"};
	const char *ext = extension(path);

	if (strcmp(ext, "c") == 0 || (for_macos(m) && strcmp(ext, "m") == 0))
		return LANG_C;
	if (for_macos(m) && strcmp(ext, "mm") == 0)
		return LANG_CXX;
	if (one_of(ext, cxx, ARRAY_SIZE(cxx)))
		return LANG_CXX;
	return one_of(ext, assembler, ARRAY_SIZE(assembler)) ? LANG_ASM : LANG_NONE;
}

static void
add_package_flags(struct making *m, const struct unit *u, const char *name, struct step *s)
{
	json_foreach (flag, json_get(u->release, name))
		flags_add_package(json_string(flag, ""), &s->argv, &m->plan->dropped);
}

/* obj/<unit>-<source with / as _>.o: flat, unique, the same in every build. */
static char *
object_path(const struct making *m, const struct unit *u, const char *source)
{
	char *path = xasprintf("%s/%zu-%s.o", PLAN_OBJECTS, (size_t)(u - m->units), source);

	for (char *c = path + strlen(PLAN_OBJECTS) + 1; *c != '\0'; c++)
		if (*c == '/')
			*c = '_';
	/* "a/b.c" and "a_b.c". No other source's object ends so: theirs have the source's extension. */
	if (strv_has(&u->objects, path)) {
		char *second = xasprintf("%s.%zu.o", path, u->objects.n);

		free(path);
		path = second;
	}
	return path;
}

static void
plan_compile(struct making *m, struct unit *u, const char *source, enum language lang)
{
	const struct toolchain *t = m->toolchain;
	struct step *s = add_step(m, STEP_COMPILE, u->dir);
	char *object = object_path(m, u, source);
	size_t prefix = strlen(PLAN_SOURCE "/");

	s->input = absolute(u->dir, source);
	s->label = xasprintf("compile %s", strncmp(s->input, PLAN_SOURCE "/", prefix) == 0
						   ? s->input + prefix
						   : s->input);
	strv_extend(&s->argv, lang == LANG_CXX ? m->cxx : &t->cc);
	if (for_windows(m)) {
		msvc_add_compile(u->release, lang == LANG_CXX, &s->argv, &m->plan->dropped);
	} else if (for_macos(m)) {
		xcode_add_compile(u->release, lang == LANG_CXX, &s->argv, &m->plan->dropped);
	} else {
		add_package_flags(m, u, "cflags", s);
		add_package_flags(m, u, lang == LANG_CXX ? "cflags_cc" : "cflags_c", s);
	}
	json_foreach (define, json_get(u->release, "defines"))
		strv_addf(&s->argv, "-D%s", json_string(define, ""));
	json_foreach (dir, json_get(u->release, "include_dirs")) {
		char *path = absolute(u->dir, json_string(dir, ""));

		strv_addf(&s->argv, "-I%s", path);
		free(path);
	}
	flags_add_ours(&s->argv);
	strv_extend(&s->argv, &t->cflags);
	strv_add(&s->argv, "-c");
	strv_add(&s->argv, s->input);
	strv_add(&s->argv, "-o");
	strv_add(&s->argv, object);
	strv_add(&u->objects, object);
	add_gates(m, u, s);
	free(object);
}

static void
add_gate(struct unit *u, size_t step)
{
	u->gates = xrealloc(u->gates, (u->gate_count + 1) * sizeof *u->gates);
	u->gates[u->gate_count++] = step;
}

/* gyp's own generators make the folders of what an action writes: actions count on it. */
static void
plan_folders(struct making *m, struct unit *u, const struct json *action)
{
	struct strv folders = {0};
	struct step *s;

	json_foreach (output, json_get(action, "outputs")) {
		char *path = absolute(u->dir, json_string(output, ""));
		char *slash = strrchr(path, '/');

		*(slash == path ? slash + 1 : slash) = '\0';
		if (!strv_has(&folders, path) && strcmp(path, u->dir) != 0)
			strv_add(&folders, path);
		free(path);
	}
	if (folders.n > 0) {
		s = add_step(m, STEP_ACTION, u->dir);
		s->label = xasprintf("folders of action %s",
				     json_str(action, "action_name", "without name"));
		strv_add(&s->argv, "/bin/mkdir");
		strv_add(&s->argv, "-p");
		strv_add(&s->argv, "--");
		strv_extend(&s->argv, &folders);
		add_gates(m, u, s);
		add_gate(u, m->plan->count - 1);
	}
	strv_fini(&folders);
}

static int
plan_actions(struct making *m, struct unit *u)
{
	json_foreach (action, json_get(u->json, "actions")) {
		struct step *s;

		if (check_count(m) != 0)
			return m->e->code;
		plan_folders(m, u, action);
		s = add_step(m, STEP_ACTION, u->dir);
		s->label = xasprintf("action %s", json_str(action, "action_name", "without name"));
		json_foreach (arg, json_get(action, "action"))
			strv_add(&s->argv, json_string(arg, ""));
		if (s->argv.n == 0)
			return err_set(m->e, ERR_BUILD, "binding.gyp: %s has no command", s->label);
		add_gates(m, u, s);
		add_gate(u, m->plan->count - 1);
	}
	json_foreach (copy, json_get(u->json, "copies")) {
		struct step *s;
		char *to;

		if (check_count(m) != 0)
			return m->e->code;
		s = add_step(m, STEP_COPY, u->dir);
		to = absolute(u->dir, json_str(copy, "destination", "."));
		s->label = xasprintf("copy to %s", to);
		strv_add(&s->argv, "/bin/sh");
		strv_add(&s->argv, "-c");
		strv_add(&s->argv, "mkdir -p \"$0\" && cp -R \"$@\" \"$0\"");
		strv_add(&s->argv, to);
		json_foreach (file, json_get(copy, "files"))
			strv_add(&s->argv, json_string(file, ""));
		free(to);
		add_gates(m, u, s);
		add_gate(u, m->plan->count - 1);
	}
	return 0;
}

static void
plan_archive(struct making *m, struct unit *u)
{
	struct step *s = add_step(m, STEP_ARCHIVE, u->dir);

	u->archive = xasprintf("%s/%zu-lib%s.a", PLAN_OBJECTS, (size_t)(u - m->units), u->name);
	s->label = xasprintf("archive lib%s.a", u->name);
	strv_extend(&s->argv, &m->toolchain->ar);
	strv_add(&s->argv, u->archive);
	strv_extend(&s->argv, &u->objects);
	for (size_t i = u->first; i + 1 < m->plan->count; i++)
		add_need(s, i);
}

/* Archives of a unit's dependencies, each once, dependents before what they depend on. */
static void
collect_archives(const struct making *m, struct unit *u, struct strv *out, struct strv *libraries)
{
	if (u->seen == m->walk)
		return;
	u->seen = m->walk;
	for (size_t i = 0; i < u->unit_count; i++) {
		struct unit *d = &m->units[u->units[i]];

		if (d->archive != NULL && !strv_has(out, d->archive))
			strv_add(out, d->archive);
		json_foreach (lib, json_get(d->json, "libraries"))
			if (!strv_has(libraries, json_string(lib, "")))
				strv_add(libraries, json_string(lib, ""));
		collect_archives(m, d, out, libraries);
	}
}

static void
link_elf(struct making *m, const struct unit *u, const struct strv *libraries, struct step *s)
{
	json_foreach (flag, json_get(u->release, "ldflags"))
		flags_add_linker(json_string(flag, ""), &s->argv, &m->plan->dropped);
	for (size_t i = 0; i < libraries->n; i++)
		flags_add_linker(libraries->at[i], &s->argv, &m->plan->dropped);
	strv_extend(&s->argv, &m->toolchain->ldflags);
	strv_addf(&s->argv, "-Wl,--version-script=%s", PLAN_EXPORTS);
}

/* A DLL exports what its source marks so (the entry points), and knows no soname. */
static void
link_windows(struct making *m, const struct unit *u, const struct strv *libraries, struct step *s)
{
	strv_extend(&s->argv, &m->toolchain->ldflags);
	msvc_add_linker(u->release, &s->argv, &m->plan->dropped);
	for (size_t i = 0; i < libraries->n; i++)
		msvc_add_library(libraries->at[i], &s->argv);
}

/* The same patterns as plan_exports; what they do not name and nothing uses is left out of the file. */
static void
link_macos(struct making *m, const struct unit *u, const struct strv *libraries, struct step *s)
{
	static const char *const exports[] = {
		"_napi_register_module_v*",
		"_node_api_module_get_api_version_v*",
		"_node_register_module_v*",
	};

	xcode_add_linker(u->release, &s->argv, &m->plan->dropped);
	for (size_t i = 0; i < libraries->n; i++)
		xcode_add_library(libraries->at[i], &s->argv, &m->plan->dropped);
	strv_extend(&s->argv, &m->toolchain->ldflags);
	for (size_t i = 0; i < ARRAY_SIZE(exports); i++)
		strv_addf(&s->argv, "-Wl,-exported_symbol,%s", exports[i]);
}

static int
plan_link(struct making *m, struct unit *u)
{
	const struct toolchain *t = m->toolchain;
	struct strv archives = {0}, libraries = {0};
	struct step *s = add_step(m, STEP_LINK, u->dir);
	size_t link = m->plan->count - 1;

	m->plan->addon = xasprintf("%s.node", json_str(u->json, "product_name", u->name));
	if (strchr(m->plan->addon, '/') != NULL)
		return err_set(m->e, ERR_BUILD,
			       "binding.gyp: product_name \"%.60s\" is no file name",
			       m->plan->addon);
	json_foreach (lib, json_get(u->json, "libraries"))
		strv_add(&libraries, json_string(lib, ""));
	m->walk++;
	collect_archives(m, u, &archives, &libraries);
	s->label = xasprintf("link %s", m->plan->addon);
	strv_extend(&s->argv, m->cxx);
	strv_add(&s->argv, for_macos(m) ? "-bundle" : "-shared");
	if (!for_windows(m) && !for_macos(m))
		strv_addf(&s->argv, "-Wl,-soname,%s", m->plan->addon);
	strv_extend(&s->argv, &u->objects);
	strv_extend(&s->argv, &archives);
	if (for_windows(m))
		link_windows(m, u, &libraries, s);
	else if (for_macos(m))
		link_macos(m, u, &libraries, s);
	else
		link_elf(m, u, &libraries, s);
	strv_extend(&s->argv, m->ldlibs);
	strv_add(&s->argv, "-o");
	strv_addf(&s->argv, "%s/%s", PLAN_OBJECTS, m->plan->addon);
	for (size_t i = 0; i < link; i++)
		add_need(s, i);
	s = add_step(m, STEP_STRIP, PLAN_WORK);
	s->label = xasprintf("strip %s", m->plan->addon);
	strv_extend(&s->argv, &t->strip);
	strv_add(&s->argv, "-o");
	strv_addf(&s->argv, "%s/%s", PLAN_OUT, m->plan->addon);
	strv_addf(&s->argv, "%s/%s", PLAN_OBJECTS, m->plan->addon);
	add_need(s, link);
	strv_fini(&archives);
	strv_fini(&libraries);
	return 0;
}

static int
plan_unit(struct making *m, struct unit *u)
{
	if (u->state == OPEN)
		return err_set(m->e, ERR_BUILD, "binding.gyp: %s depends on itself", u->id);
	if (u->state == DONE)
		return 0;
	u->state = OPEN;
	for (size_t i = 0; i < u->unit_count; i++)
		if (plan_unit(m, &m->units[u->units[i]]) != 0)
			return m->e->code;
	u->first = m->plan->count;
	if (plan_actions(m, u) != 0)
		return m->e->code;
	json_foreach (source, json_get(u->json, "sources")) {
		const char *path = json_string(source, "");

		if (for_windows(m) && msvc_is_hook(path))
			continue;
		if (check_count(m) != 0)
			return m->e->code;
		if (language_of(m, path) != LANG_NONE)
			plan_compile(m, u, path, language_of(m, path));
	}
	if (strcmp(u->type, "static_library") == 0 && u->objects.n > 0)
		plan_archive(m, u);
	u->state = DONE;
	return 0;
}

/* ---- reading the JSON ---- */

static int
check_unit(struct making *m, const struct unit *u)
{
	static const char *const types[] = {"none", "static_library", "loadable_module"};

	if (!one_of(u->type, types, ARRAY_SIZE(types)))
		return err_set(m->e, ERR_UNSUPPORTED,
			       "binding.gyp: target %.60s has type %.40s, which is not built here",
			       u->id, u->type);
	if (json_count(json_get(u->json, "rules")) > 0)
		return err_set(
			m->e, ERR_UNSUPPORTED,
			"binding.gyp: target %.60s has custom rules, which are not built here",
			u->id);
	if (strcmp(json_str(u->json, "toolset", "target"), "target") != 0)
		return err_set(m->e, ERR_UNSUPPORTED,
			       "binding.gyp: target %.60s is a tool for the build machine", u->id);
	if (u->dir[0] != '/' || strstr(u->dir, "..") != NULL)
		return err_set(m->e, ERR_BUILD, "binding.gyp: target %.60s lies outside", u->id);
	return 0;
}

static int
read_units(struct making *m, const struct json *targets)
{
	size_t i = 0;

	m->unit_count = json_count(targets);
	if (!json_is_array(targets) || m->unit_count == 0 || m->unit_count > PLAN_STEPS_MAX)
		return err_set(m->e, ERR_BUILD, "binding.gyp has no targets");
	m->units = xcalloc(m->unit_count, sizeof *m->units);
	json_foreach (target, targets) {
		struct unit *u = &m->units[i++];

		u->json = target;
		u->release = json_get(target, "release");
		u->id = json_str(target, "id", "");
		u->dir = json_str(target, "dir", "");
		u->name = json_str(target, "target_name", "addon");
		u->type = json_str(target, "type", "none");
	}
	return 0;
}

static int
read_dependencies(struct making *m, struct unit *u)
{
	json_foreach (dependency, json_get(u->json, "dependencies")) {
		size_t i = 0;

		while (i < m->unit_count &&
		       strcmp(m->units[i].id, json_string(dependency, "")) != 0)
			i++;
		if (i == m->unit_count)
			return err_set(m->e, ERR_BUILD, "binding.gyp: %.60s needs unknown %.60s",
				       u->id, json_string(dependency, ""));
		u->units = xrealloc(u->units, (u->unit_count + 1) * sizeof *u->units);
		u->units[u->unit_count++] = i;
	}
	return 0;
}

/* The addon: the loadable module. Of several, the first that others do not replace: packages that
 * build test addons beside their own list their own first. */
static int
find_addon(struct making *m)
{
	for (size_t i = 0; m->units != NULL && i < m->unit_count; i++) {
		if (strcmp(m->units[i].type, "loadable_module") == 0) {
			m->addon = &m->units[i];
			return 0;
		}
	}
	return err_set(m->e, ERR_BUILD, "binding.gyp builds no addon (no loadable_module)");
}

int
plan_make(const struct json *gyp, const struct toolchain *toolchain, struct abi abi,
	  struct plan *out, struct err *e)
{
	bool v8 = abi.kind != ABI_NAPI;
	struct making m = {.toolchain = toolchain,
			   .cxx = v8 ? &toolchain->cxx_v8 : &toolchain->cxx,
			   .ldlibs = v8 ? &toolchain->ldlibs_v8 : &toolchain->ldlibs,
			   .plan = out,
			   .e = e};

	*out = (struct plan){0};
	if (plan_weigh(gyp, e) != 0)
		goto out;
	if (m.cxx->n == 0) {
		err_set(e, ERR_UNSUPPORTED,
			"addons that use V8 are not built for %s: V8's C++ is that of another "
			"compiler there",
			toolchain->target != NULL ? toolchain->target->triple : "this target");
		goto out;
	}
	if (read_units(&m, json_get(gyp, "targets")) != 0 || find_addon(&m) != 0)
		goto out;
	for (size_t i = 0; i < m.unit_count; i++)
		if (read_dependencies(&m, &m.units[i]) != 0)
			goto out;
	if (plan_unit(&m, m.addon) != 0)
		goto out;
	/* Only what the addon really needs has to be something that can be built. */
	for (size_t i = 0; i < m.unit_count; i++)
		if (m.units[i].state == DONE && check_unit(&m, &m.units[i]) != 0)
			goto out;
	plan_link(&m, m.addon);
out:
	for (size_t i = 0; m.units != NULL && i < m.unit_count; i++) {
		strv_fini(&m.units[i].objects);
		free(m.units[i].units);
		free(m.units[i].gates);
		free(m.units[i].archive);
	}
	free(m.units);
	if (e->code != 0)
		plan_fini(out);
	return e->code;
}

void
plan_fini(struct plan *plan)
{
	for (size_t i = 0; plan->steps != NULL && i < plan->count; i++) {
		free(plan->steps[i].label);
		free(plan->steps[i].cwd);
		free(plan->steps[i].input);
		free(plan->steps[i].needs);
		strv_fini(&plan->steps[i].argv);
	}
	free(plan->steps);
	free(plan->addon);
	strv_fini(&plan->dropped);
	*plan = (struct plan){0};
}
