#include "builder/cli/coverage_report.h"

#include <stdio.h>
#include <stdlib.h>

#include "builder/base/buf.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/cli/printable.h"
#include "builder/lockfile/lockfile.h"
#include "builder/natives/coverage.h"
#include "builder/natives/survey.h"

void
coverage_report_table(const struct coverage *c, const struct survey *s, const struct lockfile *l)
{
	struct buf out = {0};

	if (c->count > 0)
		printf("%-32s %-9s %-24s %s\n", "PACKAGE", "ABI", "TARGET", "STATE");
	for (size_t i = 0; i < c->count; i++) {
		const struct coverage_row *row = &c->rows[i];
		char *spec = xasprintf("%s@%s", row->native->name, row->native->version), *line;
		char abi[ABI_TEXT_SIZE];

		coverage_abi_text(row->abi, abi);
		line = xasprintf("%-32s %-9s %-24s %-9s %s%s%s", spec, abi, row->target->triple,
				 coverage_state_name(row->state),
				 row->build != NULL ? row->build : "",
				 row->build != NULL && row->why != NULL ? ": " : "",
				 row->why != NULL ? row->why : "");
		printable_add(&out, line, 0);
		buf_adds(&out, "\n");
		free(spec);
		free(line);
	}
	for (size_t i = 0; i < s->gap_count; i++) {
		const struct survey_gap *gap = &s->gaps[i];
		char *line = xasprintf("not looked at: %s%s%s: %s", gap->name,
				       gap->version != NULL ? "@" : "",
				       gap->version != NULL ? gap->version : "", gap->reason);

		printable_add(&out, line, 0);
		buf_adds(&out, "\n");
		free(line);
	}
	fputs(out.data != NULL ? out.data : "", stdout);
	buf_fini(&out);
	printf("%zu of %zu packages have native code (%s)\n", s->count, l->count,
	       lockfile_format_text(l->format));
}

struct json *
coverage_report_json(const struct coverage *c, const struct survey *s, const struct lockfile *l)
{
	struct json *o = json_object(), *gaps = json_array();

	json_set_str(o, "format", lockfile_format_text(l->format));
	json_set_int(o, "packages", (int64_t)l->count);
	json_set_int(o, "natives", (int64_t)s->count);
	json_set(o, "plan", coverage_json(c));
	for (size_t i = 0; i < s->gap_count; i++) {
		struct json *gap = json_object();

		json_set_str(gap, "package", s->gaps[i].name);
		json_set_str(gap, "version", s->gaps[i].version);
		json_set_str(gap, "reason", s->gaps[i].reason);
		json_add(gaps, gap);
	}
	json_set(o, "not_looked_at", gaps);
	return o;
}
