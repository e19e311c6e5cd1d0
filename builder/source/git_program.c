#include "builder/source/git_program.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/cli/program.h"
#include "builder/source/git.h"

int
fetch_git_main(int argc, char **argv)
{
	struct git_found found = {0};
	struct git_limits limits;
	struct origin origin;
	struct json *result = json_object();
	struct err e = {0};
	char *text;
	int r;

	if (argc != 6)
		return 2;
	limits = (struct git_limits){
		.received = strtoull(argv[2], NULL, 10),
		.bytes = strtoull(argv[3], NULL, 10),
		.entries = strtoull(argv[4], NULL, 10),
		.depth = (unsigned)strtoul(argv[5], NULL, 10),
	};
	if (origin_parse(argv[0], &origin, &e) == 0 && file_mkdirs(GIT_REPOSITORIES, 0755, &e) == 0)
		git_fetch(&origin, GIT_TREE, GIT_REPOSITORIES, argv[1], &limits, &found, &e);
	if (e.code == 0) {
		json_set_str(result, "commit", found.commit);
		json_set_int(result, "time", found.time);
	} else {
		json_set_str(result, "code", err_name(e.code));
		json_set_str(result, "error", e.msg);
	}
	text = json_text(result);
	r = file_write(GIT_RESULT, text, strlen(text), 0644, &e);
	free(text);
	json_free(result);
	return r == 0 ? 0 : 1;
}
