#include "builder/engine/clone.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/engine/online.h"
#include "builder/plan/plan.h"
#include "builder/source/git_program.h"
#include "builder/source/unpack.h"

#define PROGRAM "prebuildd"

int
clone_prepare(const struct origin *origin, const char *hosts, const struct toolchain *toolchain,
	      const char *scratch, const struct job_limits *l, struct run_spec *out, struct err *e)
{
	char *program = xasprintf("%s/" PROGRAM, scratch), *tree, *text;

	*out = online_spec(toolchain, scratch, PLAN_WORK, l);
	out->timeout_ms = l->git_ms;
	/* The program's own libraries, which the toolchain's root has no reason to have. The program
	 * is copied because it may be where the sandbox's user cannot look. */
	sandbox_mount(&out->sandbox, "/usr", "/usr", false);
	strv_add(&out->argv, PLAN_WORK "/" PROGRAM);
	strv_add(&out->argv, "fetch-git");
	text = origin_text(origin);
	strv_add(&out->argv, text);
	free(text);
	strv_add(&out->argv, hosts != NULL ? hosts : "");
	strv_addf(&out->argv, "%llu", (unsigned long long)l->git_received);
	strv_addf(&out->argv, "%llu", (unsigned long long)l->source_unpacked);
	strv_addf(&out->argv, "%llu", (unsigned long long)l->source_entries);
	strv_addf(&out->argv, "%d", UNPACK_DEPTH_MAX);
	tree = xasprintf("%s/" GIT_TREE, scratch);
	if (file_mkdirs(tree, 0755, e) == 0)
		file_copy("/proc/self/exe", program, 0755, e);
	free(tree);
	free(program);
	return e->code;
}

int
clone_result(const char *scratch, struct git_found *found, struct err *e)
{
	char *path = xasprintf("%s/" GIT_RESULT, scratch);
	struct json *result = NULL;
	struct buf text = {0};
	const char *commit;

	*found = (struct git_found){0};
	if (file_read_regular(path, GIT_RESULT_MAX, &text, e) != 0)
		goto out;
	result = json_parse(text.data != NULL ? text.data : "", text.len, e);
	if (result == NULL)
		goto out;
	commit = json_str(result, "commit", "");
	if (json_str(result, "code", NULL) != NULL)
		err_set(e, err_from_name(json_str(result, "code", "")), "%s",
			json_str(result, "error", ""));
	else if (!origin_is_commit(commit))
		err_set(e, ERR_INTERNAL, "git: nothing was fetched");
	else
		strcpy(found->commit, commit);
	found->time = json_int(result, "time", 0);
out:
	buf_fini(&text);
	json_free(result);
	free(path);
	return e->code;
}
