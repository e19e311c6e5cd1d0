#include "builder/lockfile/yaml.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"

/* What is open: the containers from the document's root inwards, each with the name that waits for
 * its value. A container belongs to its parent as soon as it is opened. */
struct reader {
	struct json *open[YAML_DEPTH_MAX];
	char *name[YAML_DEPTH_MAX];
	size_t depth, nodes;
	struct json *root;
	struct err *e;
};

static void
drop(struct reader *r)
{
	while (r->depth > 0)
		free(r->name[--r->depth]);
	json_free(r->root);
	r->root = NULL;
}

static int
malformed(struct reader *r, const yaml_mark_t *mark, const char *what)
{
	return err_set(r->e, ERR_MALFORMED, "line %zu: %s", mark->line + 1, what);
}

/* Takes v over. */
static int
place(struct reader *r, struct json *v, const yaml_mark_t *mark)
{
	size_t top = r->depth - 1;

	if (r->depth == 0) {
		json_free(r->root);
		r->root = v;
	} else if (json_is_array(r->open[top])) {
		json_add(r->open[top], v);
	} else if (r->name[top] == NULL) {
		json_free(v);
		return malformed(r, mark, "a key that is not a simple one");
	} else {
		json_set(r->open[top], r->name[top], v);
		free(r->name[top]);
		r->name[top] = NULL;
	}
	return 0;
}

static int
open_container(struct reader *r, struct json *v, const yaml_mark_t *mark)
{
	if (r->depth == YAML_DEPTH_MAX) {
		json_free(v);
		return err_set(r->e, ERR_LIMIT, "line %zu: nested more than %d deep",
			       mark->line + 1, YAML_DEPTH_MAX);
	}
	if (place(r, v, mark) != 0)
		return r->e->code;
	r->open[r->depth] = v;
	r->name[r->depth++] = NULL;
	return 0;
}

static int
scalar(struct reader *r, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t top = r->depth - 1;

	if (strlen(text) != event->data.scalar.length)
		return malformed(r, &event->start_mark, "a NUL character");
	if (r->depth == 0)
		return malformed(r, &event->start_mark, "not a mapping");
	if (json_is_array(r->open[top])) {
		json_add_str(r->open[top], text);
	} else if (r->name[top] == NULL) {
		r->name[top] = xstrdup(text);
	} else {
		json_set_str(r->open[top], r->name[top], text);
		free(r->name[top]);
		r->name[top] = NULL;
	}
	return 0;
}

static int
take(struct reader *r, const yaml_event_t *event)
{
	const yaml_mark_t *mark = &event->start_mark;

	if (++r->nodes > YAML_NODES_MAX)
		return err_set(r->e, ERR_LIMIT, "more than %d keys and values", YAML_NODES_MAX);
	switch (event->type) {
	case YAML_MAPPING_START_EVENT:
		if (event->data.mapping_start.anchor != NULL ||
		    event->data.mapping_start.tag != NULL)
			return malformed(r, mark, "anchors and tags are not read");
		return open_container(r, json_object(), mark);
	case YAML_SEQUENCE_START_EVENT:
		if (event->data.sequence_start.anchor != NULL ||
		    event->data.sequence_start.tag != NULL)
			return malformed(r, mark, "anchors and tags are not read");
		return open_container(r, json_array(), mark);
	case YAML_SCALAR_EVENT:
		if (event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL)
			return malformed(r, mark, "anchors and tags are not read");
		return scalar(r, event);
	case YAML_ALIAS_EVENT:
		return malformed(r, mark, "aliases are not read");
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		r->depth--;
		free(r->name[r->depth]);
		r->name[r->depth] = NULL;
		return 0;
	default:
		return 0;
	}
}

struct json *
yaml_parse(const char *text, size_t len, struct err *e)
{
	struct err own = {0};
	struct reader r = {.e = e != NULL ? e : &own};
	yaml_parser_t parser;
	yaml_event_t event;
	bool more = true;

	if (!yaml_parser_initialize(&parser))
		xmalloc_failed();
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (more && r.e->code == 0) {
		if (!yaml_parser_parse(&parser, &event)) {
			malformed(&r, &parser.problem_mark,
				  parser.problem != NULL ? parser.problem : "not YAML");
			break;
		}
		more = event.type != YAML_STREAM_END_EVENT;
		take(&r, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	if (r.e->code == 0 && r.root == NULL)
		err_set(r.e, ERR_MALFORMED, "an empty document");
	if (r.e->code != 0)
		drop(&r);
	return r.root;
}
