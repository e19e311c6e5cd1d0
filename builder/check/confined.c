/*
 * confined.c - `prebuildd check-upload FILE [TARGET]`: what the service runs for POST /v1/check, so
 * that hostile bytes are read by a process that can do nothing. Prints the report, or a problem's
 * code and text, as one line of JSON. Not for users.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/check/check.h"
#include "builder/check/confined.h"
#include "builder/cli/program.h"
#include "builder/sandbox/sandbox.h"

static struct json *
problem(const struct err *e)
{
	struct json *o = json_object();

	json_set_str(o, "code", err_name(e->code));
	json_set_str(o, "error", e->msg);
	return o;
}

int
check_upload_main(int argc, char **argv)
{
	struct audit_request req = {.file = "upload"};
	struct json *result = NULL;
	struct buf bytes = {0};
	struct err e = {0};
	bool passed;
	char *text;

	if (argc < 1)
		return 2;
	req.target = argc > 1 ? target_find(argv[1]) : NULL;
	if (file_read(argv[0], CHECK_UPLOAD_MAX, &bytes, &e) == 0 &&
	    sandbox_confine_self(CHECK_MEMORY, CHECK_SECONDS, &e) == 0)
		result = check_content(bytes.data != NULL ? bytes.data : "", bytes.len, &req, NULL,
				       &passed, &e);
	if (result == NULL)
		result = problem(&e);
	text = json_text(result);
	puts(text);
	fflush(stdout);
	/* Nothing is freed: memory goes with the process, and no handler may run any more. */
	_exit(0);
}
