/*
 * plan_fuzz.c - libFuzzer harness for the plan of a build, made of JSON that a package's own binding.gyp and
 * scripts decide. The first byte chooses the system that it is for, and the ABI.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/plan/plan.h"
#include "builder/plan/weight.h"
#include "tests/lib/plan_toolchain.h"

/* Beside those that are counted: folders for each action, an archive for each target, link, strip. */
#define STEPS_MAX (3 * PLAN_STEPS_MAX)

/* Of the toolchain and ours, in each command. */
#define OWN_BYTES 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static const char *
output_of(const struct step *s)
{
	must(s->argv.n > 2 && strcmp(s->argv.at[s->argv.n - 2], "-o") == 0);
	return s->argv.at[s->argv.n - 1];
}

static void
check_step(const struct plan *p, size_t i)
{
	const struct step *s = &p->steps[i];

	must(s->label != NULL && s->cwd[0] == '/' && s->argv.n > 0);
	must((s->input != NULL) == (s->kind == STEP_COMPILE));
	for (size_t k = 0; k < s->need_count; k++)
		must(s->needs[k] < i && (k == 0 || s->needs[k] != s->needs[k - 1]));
	if (s->kind != STEP_COMPILE)
		return;
	must(s->input[0] == '/' && strchr(output_of(s) + strlen(PLAN_OBJECTS "/"), '/') == NULL);
	for (size_t k = 0; k < i; k++)
		must(p->steps[k].kind != STEP_COMPILE ||
		     strcmp(output_of(&p->steps[k]), output_of(s)) != 0);
}

static void
check_plan(const struct plan *p)
{
	size_t bytes = 0;

	must(p->count >= 2 && p->count <= STEPS_MAX);
	must(p->steps[p->count - 2].kind == STEP_LINK && p->steps[p->count - 1].kind == STEP_STRIP);
	must(strchr(p->addon, '/') == NULL);
	for (size_t i = 0; i < p->count; i++) {
		check_step(p, i);
		for (size_t k = 0; k < p->steps[i].argv.n; k++)
			bytes += strlen(p->steps[i].argv.at[k]);
	}
	must(bytes <= 4 * (size_t)PLAN_BYTES_MAX + p->count * OWN_BYTES);
	json_free(plan_commands(p));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const targets[] = {"linux-x64", "win32-x64", "darwin-arm64",
					      "linuxmusl-arm64"};
	struct toolchain toolchain;
	struct abi abi = {ABI_NAPI, 6};
	struct err e = {0};
	struct plan p;
	struct json *gyp;

	if (size == 0)
		return 0;
	gyp = json_parse((const char *)data + 1, size - 1, NULL);
	if (gyp == NULL)
		return 0;
	if ((data[0] & 4) != 0)
		abi = (struct abi){ABI_NODE, 127};
	plan_toolchain(targets[data[0] & 3], &toolchain);
	must(plan_make(gyp, &toolchain, abi, &p, &e) == e.code && (e.code == 0) == (p.count > 0));
	if (e.code == 0)
		check_plan(&p);
	plan_fini(&p);
	toolchain_fini(&toolchain);
	json_free(gyp);
	return 0;
}
