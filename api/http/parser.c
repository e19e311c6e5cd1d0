#include "api/http/parser.h"

#include <llhttp.h>
#include <string.h>
#include <strings.h>

#include "api/http/limits.h"
#include "builder/base/mem.h"

/* The loose mode takes any byte for the line endings of chunks. */
#if LLHTTP_STRICT_MODE != 1
#error "build llhttp.c and this file with -DLLHTTP_STRICT_MODE=1"
#endif

_Static_assert(sizeof(llhttp_t) <= sizeof(((struct http_parser *)0)->llhttp),
	       "struct http_parser holds llhttp's state");

/* Chunks may cost this many bytes of framing for each byte of content, beyond a fixed allowance:
 * one-byte chunks pass, a flood of extensions does not. */
#define CHUNK_FRAMING_FACTOR 8

static llhttp_t *
llhttp_of(struct http_parser *p)
{
	return (llhttp_t *)(void *)p->llhttp;
}

static int
on_field(llhttp_t *l, const char *at, size_t len)
{
	struct http_parser *p = l->data;

	if (p->state != PARSER_HEAD)
		return 0;
	/* scan.c has counted the lines already; this guards the array against a disagreement. */
	if (p->head.field_count == p->limits->header_count) {
		fault_set(&p->fault, FAULT_HEADER_SIZE, "too many header fields");
		return HPE_USER;
	}
	if (len == 0) {
		fault_set(&p->fault, FAULT_HEADER, "a header field without a name");
		return HPE_USER;
	}
	p->fields[p->head.field_count++] = (struct http_field){
		.name = (char *)(uintptr_t)at,
		.name_len = len,
	};
	return 0;
}

static int
on_value(llhttp_t *l, const char *at, size_t len)
{
	struct http_parser *p = l->data;
	struct http_field *field;

	if (p->state != PARSER_HEAD)
		return 0;
	field = &p->fields[p->head.field_count - 1];
	field->value = (char *)(uintptr_t)at;
	field->value_len = len;
	return 0;
}

static int
on_headers_complete(llhttp_t *l)
{
	struct http_parser *p = l->data;

	/* Upgrades are not offered, so the header means nothing. */
	l->upgrade = 0;
	/* Kept here because llhttp forgets them with a message that has no body. */
	p->head.keep_alive = llhttp_should_keep_alive(l) != 0;
	p->head.length = l->content_length;
	return 0;
}

static int
body_too_large(struct http_parser *p)
{
	return fault_set(&p->fault, FAULT_BODY_SIZE, "body is larger than %llu bytes",
			 (unsigned long long)p->body_max);
}

static int
on_body(llhttp_t *l, const char *at, size_t len)
{
	struct http_parser *p = l->data;

	if (len > p->body_max - p->body_bytes) {
		body_too_large(p);
		return HPE_USER;
	}
	p->body_bytes += len;
	if (p->on_body != NULL)
		p->on_body(p->on_body_data, at, len);
	return 0;
}

static int
on_chunk_header(llhttp_t *l)
{
	struct http_parser *p = l->data;

	if (l->content_length > p->body_max - p->body_bytes)
		return body_too_large(p);
	if (l->content_length > 0)
		return 0;
	/* The trailers begin here: scan.c has to see them before llhttp does. */
	p->state = PARSER_TRAILER;
	scan_init(&p->scan, p->limits, 0);
	return HPE_PAUSED;
}

static int
on_message_complete(llhttp_t *l)
{
	struct http_parser *p = l->data;

	if (p->state == PARSER_HEAD)
		return 0;
	p->state = PARSER_DONE;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_chunk_header = on_chunk_header,
	.on_message_complete = on_message_complete,
};

void
http_parser_init(struct http_parser *p, const struct http_limits *limits, struct http_field *fields)
{
	*p = (struct http_parser){
		.limits = limits,
		.fields = fields,
		.head = {.method = METHOD_OTHER},
	};
	scan_init(&p->scan, limits, 1);
	llhttp_init(llhttp_of(p), HTTP_REQUEST, &settings);
	llhttp_of(p)->data = p;
}

static bool
is_token_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "METHOD target HTTP/1.1" without its CRLF: exactly two spaces (RFC 9112, section 3). */
static int
read_request_line(struct http_parser *p, const char *line, size_t len)
{
	const char *end = line + len, *target, *space, *version;
	size_t method_len = 0;

	while (method_len < len && is_token_char(line[method_len]))
		method_len++;
	if (method_len == 0 || method_len == len || line[method_len] != ' ')
		return fault_set(&p->fault, FAULT_REQUEST_LINE,
				 "the request line does not begin with a method and a space");
	target = line + method_len + 1;
	space = memchr(target, ' ', (size_t)(end - target));
	if (space == NULL || space == target)
		return fault_set(&p->fault, FAULT_REQUEST_LINE,
				 "the request line is not \"METHOD target HTTP/1.1\"");
	version = space + 1;
	if (end - version != 8 || memcmp(version, "HTTP/", 5) != 0 || !is_digit(version[5]) ||
	    version[6] != '.' || !is_digit(version[7]))
		return fault_set(&p->fault, FAULT_REQUEST_LINE,
				 "the request line does not end in an HTTP version");
	if (version[5] != '1' || version[7] > '1')
		return fault_set(&p->fault, FAULT_VERSION, "only HTTP/1.0 and HTTP/1.1 are spoken");
	p->head.minor = version[7] - '0';
	p->head.method = http_method_parse(line, method_len);
	if (p->head.method == METHOD_OTHER)
		return fault_set(&p->fault, FAULT_METHOD, "this method is not implemented");
	p->head.target_len = (size_t)(space - target);
	p->target_at = (size_t)(target - line);
	return 0;
}

/* What llhttp makes of the head. Its reasons are constant texts. */
static int
llhttp_fault(struct http_parser *p, llhttp_errno_t code, enum fault_kind otherwise)
{
	enum fault_kind kind = otherwise;

	switch (code) {
	case HPE_INVALID_CONTENT_LENGTH:
	case HPE_UNEXPECTED_CONTENT_LENGTH:
		kind = FAULT_LENGTH;
		break;
	case HPE_INVALID_TRANSFER_ENCODING:
		kind = FAULT_CODING;
		break;
	case HPE_INVALID_URL:
		kind = FAULT_TARGET;
		break;
	case HPE_USER:
	case HPE_CB_CHUNK_HEADER:
		return -1; /* A callback has set the fault. */
	default:
		break;
	}
	return fault_set(&p->fault, kind, "%s", llhttp_get_error_reason(llhttp_of(p)));
}

static bool
field_is(const struct http_field *f, const char *name, size_t len)
{
	return f->name_len == len && memcmp(f->name, name, len) == 0;
}

/* Two of these would let a proxy and this server each believe another one. */
static const struct {
	const char *name;
	size_t len;
	enum fault_kind fault;
} singles[] = {
	{"host", 4, FAULT_HOST},
	{"content-length", 14, FAULT_LENGTH},
	{"transfer-encoding", 17, FAULT_CODING},
	{"authorization", 13, FAULT_HEADER},
	{"content-type", 12, FAULT_HEADER},
	{"expect", 6, FAULT_EXPECT},
};

enum single { HOST, CONTENT_LENGTH, TRANSFER_ENCODING, AUTHORIZATION, CONTENT_TYPE, EXPECT };

/* A registered name, an address or [IPv6], and a port; empty is allowed (RFC 9110, 7.2). */
static int
check_host(struct http_parser *p, const char *host)
{
	for (; *host != '\0'; host++)
		if (!is_token_char(*host) && strchr(":[]", *host) == NULL)
			return fault_set(&p->fault, FAULT_HOST, "the Host header is not a host");
	return 0;
}

static int
check_framing(struct http_parser *p, const struct http_field *const found[ARRAY_SIZE(singles)])
{
	const struct http_field *te = found[TRANSFER_ENCODING];

	if (te != NULL && p->head.minor == 0)
		return fault_set(&p->fault, FAULT_CODING, "Transfer-Encoding in HTTP/1.0");
	if (te != NULL && strcasecmp(te->value, "chunked") != 0)
		return fault_set(&p->fault, FAULT_CODING_UNKNOWN,
				 "the only transfer coding is chunked");
	if (te != NULL && found[CONTENT_LENGTH] != NULL)
		return fault_set(&p->fault, FAULT_LENGTH, "Content-Length and Transfer-Encoding");
	p->head.chunked = te != NULL;
	if (!http_parser_has_body(p) || p->head.method == METHOD_POST ||
	    p->head.method == METHOD_PUT || p->head.method == METHOD_PATCH)
		return 0;
	return fault_set(&p->fault, FAULT_BODY, "a %s request has no body",
			 http_method_name(p->head.method));
}

static int
check_expect(struct http_parser *p, const struct http_field *expect)
{
	/* RFC 9110, section 10.1.1: ignored in HTTP/1.0. */
	if (expect == NULL || p->head.minor == 0)
		return 0;
	if (strcasecmp(expect->value, "100-continue") != 0)
		return fault_set(&p->fault, FAULT_EXPECT,
				 "the only expectation that is met is 100-continue");
	p->head.expect_continue = true;
	return 0;
}

/* Ends the strings in the buffer, which llhttp does not read again, and judges the fields. */
static int
finish_fields(struct http_parser *p)
{
	const struct http_field *found[ARRAY_SIZE(singles)] = {NULL};

	for (size_t i = 0; i < p->head.field_count; i++) {
		struct http_field *f = &p->fields[i];

		for (size_t k = 0; k < f->name_len; k++)
			if (f->name[k] >= 'A' && f->name[k] <= 'Z')
				f->name[k] = (char)(f->name[k] + 'a' - 'A');
		f->name[f->name_len] = '\0';
		/* llhttp places an empty value at the beginning of the next line. */
		if (f->value_len == 0)
			f->value = f->name + f->name_len;
		while (f->value_len > 0 &&
		       (f->value[f->value_len - 1] == ' ' || f->value[f->value_len - 1] == '\t'))
			f->value_len--;
		f->value[f->value_len] = '\0';
		for (size_t k = 0; k < ARRAY_SIZE(singles); k++) {
			if (!field_is(f, singles[k].name, singles[k].len))
				continue;
			if (found[k] != NULL)
				return fault_set(&p->fault, singles[k].fault, "two %s headers",
						 singles[k].name);
			found[k] = f;
			break;
		}
	}
	if (found[HOST] == NULL && p->head.minor > 0)
		return fault_set(&p->fault, FAULT_HOST, "no Host header");
	if (found[HOST] != NULL && check_host(p, found[HOST]->value) != 0)
		return -1;
	if (check_framing(p, found) != 0)
		return -1;
	return check_expect(p, found[EXPECT]);
}

enum parse_result
http_parser_head(struct http_parser *p, char *buf, size_t len, size_t *used)
{
	llhttp_errno_t code;
	size_t n = 0;

	for (;;) {
		enum scan_result r =
			scan_feed(&p->scan, buf + p->scanned, len - p->scanned, &n, &p->fault);

		if (r == SCAN_FAULT)
			return PARSE_FAULT;
		p->scanned += n;
		if (r == SCAN_MORE)
			return PARSE_MORE;
		if (r == SCAN_END)
			break;
		if (read_request_line(p, buf + p->scan.blank, p->scan.first - 2) != 0)
			return PARSE_FAULT;
	}
	*used = p->scanned;
	code = llhttp_execute(llhttp_of(p), buf, p->scanned);
	if (code != HPE_OK) {
		llhttp_fault(p, code, FAULT_HEADER);
		return PARSE_FAULT;
	}
	if (finish_fields(p) != 0)
		return PARSE_FAULT;
	p->head.target = buf + p->scan.blank + p->target_at;
	p->head.target[p->head.target_len] = '\0';
	p->state = http_parser_has_body(p) ? PARSER_BODY : PARSER_DONE;
	return PARSE_DONE;
}

bool
http_parser_has_body(const struct http_parser *p)
{
	return p->head.chunked || p->head.length > 0;
}

/* Runs llhttp over len bytes; it pauses where the trailers begin and where the message ends. */
static enum parse_result
run_llhttp(struct http_parser *p, const char *data, size_t len, size_t *used)
{
	llhttp_t *l = llhttp_of(p);
	llhttp_errno_t code = llhttp_execute(l, data, len);

	if (code == HPE_PAUSED) {
		*used = (size_t)(llhttp_get_error_pos(l) - data);
		llhttp_resume(l);
		return p->state == PARSER_DONE ? PARSE_DONE : PARSE_MORE;
	}
	*used = len;
	if (code == HPE_OK)
		return PARSE_MORE;
	llhttp_fault(p, code, FAULT_CHUNK);
	return PARSE_FAULT;
}

static enum parse_result
read_trailers(struct http_parser *p, const char *data, size_t len, size_t *used)
{
	enum scan_result r = scan_feed(&p->scan, data, len, used, &p->fault);
	enum parse_result done;

	if (r == SCAN_FAULT)
		return PARSE_FAULT;
	done = run_llhttp(p, data, *used, used);
	if (done == PARSE_FAULT || (done == PARSE_DONE) == (r == SCAN_END))
		return done;
	fault_set(&p->fault, FAULT_CHUNK, "the end of the trailers is not clear");
	return PARSE_FAULT;
}

enum parse_result
http_parser_body(struct http_parser *p, const char *data, size_t len, size_t *used)
{
	*used = 0;
	while (*used < len && p->state != PARSER_DONE) {
		enum parse_result r;
		size_t n = 0;

		if (p->state == PARSER_TRAILER)
			r = read_trailers(p, data + *used, len - *used, &n);
		else
			r = run_llhttp(p, data + *used, len - *used, &n);
		*used += n;
		p->wire_bytes += n;
		if (r == PARSE_FAULT)
			return PARSE_FAULT;
		if (p->wire_bytes - p->body_bytes >
		    CHUNK_FRAMING_FACTOR * p->body_bytes + p->limits->header_bytes) {
			fault_set(&p->fault, FAULT_CHUNK,
				  "chunk sizes and extensions outweigh the content");
			return PARSE_FAULT;
		}
	}
	return p->state == PARSER_DONE ? PARSE_DONE : PARSE_MORE;
}

const char *
http_parser_field(const struct http_parser *p, const char *name)
{
	for (size_t i = 0; i < p->head.field_count; i++)
		if (strcmp(p->fields[i].name, name) == 0)
			return p->fields[i].value;
	return NULL;
}
