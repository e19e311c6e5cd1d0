#include "builder/audit/runs_on.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"

/*
 * Oldest first in each distribution; the versions are those of its release (security updates do not
 * change them). Sources: the distributions' package lists, and for the symbol versions of libstdc++
 * GCC's own table (GCC 4.8: 3.4.19 … GCC 14: 3.4.33).
 */
static const struct system {
	const char *family, *release;
	struct audit_version glibc, glibcxx;
} systems[] = {
	{"Debian", "8", {{2, 19}}, {{3, 4, 20}}},
	{"Debian", "9", {{2, 24}}, {{3, 4, 22}}},
	{"Debian", "10", {{2, 28}}, {{3, 4, 25}}},
	{"Debian", "11", {{2, 31}}, {{3, 4, 28}}},
	{"Debian", "12", {{2, 36}}, {{3, 4, 30}}},
	{"Debian", "13", {{2, 41}}, {{3, 4, 33}}},
	{"Ubuntu", "14.04", {{2, 19}}, {{3, 4, 19}}},
	{"Ubuntu", "16.04", {{2, 23}}, {{3, 4, 21}}},
	{"Ubuntu", "18.04", {{2, 27}}, {{3, 4, 25}}},
	{"Ubuntu", "20.04", {{2, 31}}, {{3, 4, 28}}},
	{"Ubuntu", "22.04", {{2, 35}}, {{3, 4, 30}}},
	{"Ubuntu", "24.04", {{2, 39}}, {{3, 4, 33}}},
	{"RHEL", "7", {{2, 17}}, {{3, 4, 19}}},
	{"RHEL", "8", {{2, 28}}, {{3, 4, 25}}},
	{"RHEL", "9", {{2, 34}}, {{3, 4, 29}}},
	{"RHEL", "10", {{2, 39}}, {{3, 4, 33}}},
	{"Amazon Linux", "2", {{2, 26}}, {{3, 4, 24}}},
	{"Amazon Linux", "2023", {{2, 34}}, {{3, 4, 29}}},
};

/* Node-API: the releases of Node that have a version first. Source: Node's Node-API version matrix. */
static const char *const napi_releases[] = {
	[1] = "8.6 and later",
	[2] = "8.10, 9.3 and later",
	[3] = "8.11.2, 9.11, 10 and later",
	[4] = "10.16, 11.8 and later",
	[5] = "10.17, 12.11 and later",
	[6] = "10.20, 12.17, 14 and later",
	[7] = "10.23, 12.19, 14.12 and later",
	[8] = "12.22, 14.17, 15.12 and later",
	[9] = "18.17, 20.3 and later",
	[10] = "22.14, 23.6 and later",
};

/* NODE_MODULE_VERSION of Node's releases. Source: Node's doc/abi_version_registry.json. */
static const struct {
	unsigned abi, major;
} node_releases[] = {
	{57, 8},   {59, 9},   {64, 10},  {67, 11},  {72, 12},  {79, 13},  {83, 14},
	{88, 15},  {93, 16},  {102, 17}, {108, 18}, {111, 19}, {115, 20}, {120, 21},
	{127, 22}, {131, 23}, {137, 24}, {141, 25}, {147, 26}, {153, 27},
};

static bool
at_least(const struct audit_version *have, const struct audit_version *want)
{
	for (size_t i = 0; i < ARRAY_SIZE(have->part); i++)
		if (have->part[i] != want->part[i])
			return have->part[i] > want->part[i];
	return true;
}

static struct json *
glibc_systems(const struct audit_report *r)
{
	struct json *list = json_array();
	const char *done = "";

	for (size_t i = 0; i < ARRAY_SIZE(systems); i++) {
		const struct system *s = &systems[i];
		char *name;

		if (strcmp(s->family, done) == 0 || !at_least(&s->glibc, &r->glibc) ||
		    !at_least(&s->glibcxx, &r->glibcxx))
			continue;
		done = s->family;
		name = xasprintf("%s %s", s->family, s->release);
		json_add_str(list, name);
		free(name);
	}
	return list;
}

static char *
node_text(struct abi abi, unsigned used)
{
	unsigned napi = abi.version > used ? abi.version : used;

	if (abi.kind == ABI_NAPI && napi > 0 && napi < ARRAY_SIZE(napi_releases))
		return xstrdup(napi_releases[napi]);
	for (size_t i = 0; abi.kind == ABI_NODE && i < ARRAY_SIZE(node_releases); i++)
		if (node_releases[i].abi == abi.version)
			return xasprintf("%u only", node_releases[i].major);
	return NULL;
}

struct json *
runs_on_json(const struct audit_report *r)
{
	char *node = node_text(r->abi, r->napi_used);
	struct json *o = json_object(), *list;

	if (r->format.kind == FORMAT_ELF && r->target != NULL && r->target->libc == LIBC_MUSL) {
		list = json_array();
		/* Its musl is the floor of the musl targets. */
		json_add_str(list, "Alpine 3.16");
	} else if (r->format.kind == FORMAT_MACHO && r->macos.part[0] != 0) {
		char version[AUDIT_VERSION_SIZE], *system;

		report_version(r->macos, version);
		system = xasprintf("macOS %s", version);
		list = json_array();
		json_add_str(list, system);
		free(system);
	} else if (r->format.kind == FORMAT_ELF && r->target != NULL) {
		list = glibc_systems(r);
	} else {
		list = json_array();
	}
	json_set(o, "systems", list);
	json_set_str(o, "node", node);
	free(node);
	return o;
}
