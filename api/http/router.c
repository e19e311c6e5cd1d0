#include "api/http/router.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"

#define SEGMENTS_MAX 16

/* A piece of the pattern's text. */
struct slice {
	const char *at;
	size_t len;
};

/* prefix{name}suffix; without a parameter name.at is NULL and prefix is the whole segment. */
struct segment {
	struct slice prefix;
	struct slice name;
	struct slice suffix;
};

struct http_pattern {
	const struct http_route *route;
	enum http_method method;
	struct slice literal; /* up to the first parameter: tells most patterns apart at once */
	struct segment segments[SEGMENTS_MAX];
	size_t count;
	bool rest; /* the last segment takes all that is left */
};

struct http_router {
	struct http_pattern *patterns;
	size_t count;
};

static int
compile_segment(struct http_pattern *p, struct slice text, bool last)
{
	const char *open = memchr(text.at, '{', text.len), *close;
	struct segment *s;

	if (p->count == SEGMENTS_MAX)
		return -1;
	s = &p->segments[p->count++];
	*s = (struct segment){.prefix = text};
	if (open == NULL)
		return memchr(text.at, '}', text.len) == NULL ? 0 : -1;
	close = memchr(open, '}', (size_t)(text.at + text.len - open));
	if (close == NULL || close == open + 1)
		return -1;
	s->prefix.len = (size_t)(open - text.at);
	s->name = (struct slice){open + 1, (size_t)(close - open - 1)};
	s->suffix = (struct slice){close + 1, (size_t)(text.at + text.len - close - 1)};
	if (s->name.at[s->name.len - 1] == '*') {
		s->name.len--;
		p->rest = true;
		if (!last || s->suffix.len > 0 || s->name.len == 0)
			return -1;
	}
	return memchr(s->suffix.at, '{', s->suffix.len) == NULL ? 0 : -1;
}

static int
compile(struct http_pattern *p, const struct http_route *route)
{
	const char *text = route->pattern, *at = text;
	size_t params = 0;

	*p = (struct http_pattern){.route = route};
	p->method = http_method_parse(route->method, strlen(route->method));
	if (p->method == METHOD_OTHER || *at != '/')
		return -1;
	p->literal = (struct slice){text, strcspn(text, "{")};
	while (*at == '/') {
		size_t len = strcspn(at + 1, "/");

		if (compile_segment(p, (struct slice){at + 1, len}, at[1 + len] == '\0') != 0)
			return -1;
		params += p->segments[p->count - 1].name.at != NULL;
		at += 1 + len;
	}
	return params <= HTTP_PARAMS_MAX ? 0 : -1;
}

int
http_router_open(const struct http_route *routes, size_t count, struct http_router **out,
		 struct err *e)
{
	struct http_router *r = xmalloc(sizeof *r);

	*r = (struct http_router){
		.patterns = xcalloc(count, sizeof *r->patterns),
		.count = count,
	};
	for (size_t i = 0; i < count; i++) {
		if (compile(&r->patterns[i], &routes[i]) == 0)
			continue;
		err_set(e, ERR_INVALID, "route %s %s cannot be compiled", routes[i].method,
			routes[i].pattern);
		http_router_close(r);
		return ERR_INVALID;
	}
	*out = r;
	return 0;
}

void
http_router_close(struct http_router *r)
{
	if (r == NULL)
		return;
	free(r->patterns);
	free(r);
}

/* Whether one segment of the path has the form of s; *value is what its parameter stands for. */
static bool
match_segment(const struct segment *s, struct slice text, struct slice *value)
{
	if (s->name.at == NULL)
		return text.len == s->prefix.len && memcmp(text.at, s->prefix.at, text.len) == 0;
	if (text.len <= s->prefix.len + s->suffix.len ||
	    memcmp(text.at, s->prefix.at, s->prefix.len) != 0 ||
	    memcmp(text.at + text.len - s->suffix.len, s->suffix.at, s->suffix.len) != 0)
		return false;
	*value = (struct slice){text.at + s->prefix.len, text.len - s->prefix.len - s->suffix.len};
	return true;
}

static bool
match_path(const struct http_pattern *p, const char *path, struct slice values[HTTP_PARAMS_MAX])
{
	size_t params = 0;

	if (strncmp(path, p->literal.at, p->literal.len) != 0)
		return false;
	for (size_t i = 0; i < p->count; i++) {
		bool rest = p->rest && i + 1 == p->count;
		struct slice text;

		if (*path != '/')
			return false;
		path++;
		text = (struct slice){path, rest ? strlen(path) : strcspn(path, "/")};
		if (!match_segment(&p->segments[i], text, &values[params]))
			return false;
		params += p->segments[i].name.at != NULL;
		path += text.len;
	}
	return *path == '\0';
}

/* Copies the parameters: they need their own ends, and the path stays whole. */
static void
keep_values(const struct http_pattern *p, const struct slice *values, struct http_match *m)
{
	size_t params = 0;

	m->text.len = 0;
	for (size_t i = 0; i < p->count; i++) {
		if (p->segments[i].name.at == NULL)
			continue;
		m->values[params] = m->text.len;
		buf_add(&m->text, values[params].at, values[params].len);
		buf_add(&m->text, "", 1);
		params++;
	}
}

bool
http_router_match(const struct http_router *r, enum http_method method, const char *path,
		  struct http_match *m)
{
	struct slice values[HTTP_PARAMS_MAX + 1] = {0};

	m->route = NULL;
	m->allow = 0;
	for (size_t i = 0; i < r->count; i++) {
		const struct http_pattern *p = &r->patterns[i];

		if (!match_path(p, path, values))
			continue;
		if (p->method == method || (method == METHOD_HEAD && p->method == METHOD_GET)) {
			m->route = p->route;
			m->pattern = p;
			keep_values(p, values, m);
			return true;
		}
		m->allow |= 1u << p->method;
		if (p->method == METHOD_GET)
			m->allow |= 1u << METHOD_HEAD;
	}
	return false;
}

const char *
http_match_param(const struct http_match *m, const char *name)
{
	size_t params = 0, len = strlen(name);

	if (m->route == NULL)
		return NULL;
	for (size_t i = 0; i < m->pattern->count; i++) {
		const struct slice *n = &m->pattern->segments[i].name;

		if (n->at == NULL)
			continue;
		if (n->len == len && memcmp(n->at, name, len) == 0)
			return m->text.data + m->values[params];
		params++;
	}
	return NULL;
}

void
http_match_allow(const struct http_match *m, struct buf *out)
{
	for (int i = 0; i < METHOD_OTHER; i++) {
		if ((m->allow & 1u << i) == 0)
			continue;
		if (out->len > 0)
			buf_adds(out, ", ");
		buf_adds(out, http_method_name((enum http_method)i));
	}
}

void
http_match_fini(struct http_match *m)
{
	buf_fini(&m->text);
	m->route = NULL;
}
