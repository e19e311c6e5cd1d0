#include "api/http/scan.h"

#include "api/http/limits.h"

/* RFC 9112, section 2.2: a server should ignore at least one empty line before a request. */
#define BLANK_BYTES_MAX 4

static int
is_text(unsigned char c)
{
	return (c >= 0x20 && c != 0x7f) || c == '\t';
}

void
scan_init(struct scan *s, const struct http_limits *limits, int request_line)
{
	*s = (struct scan){.limits = limits, .request_line = request_line};
}

static int
in_request_line(const struct scan *s)
{
	return s->request_line && s->first == 0;
}

/* Text up to the next control character; what is too long is refused before it is complete. */
static int
take_text(struct scan *s, const char *data, size_t len, size_t *i, struct fault *f)
{
	size_t from = *i;

	while (*i < len && is_text((unsigned char)data[*i]))
		(*i)++;
	s->line_bytes += *i - from;
	if (in_request_line(s)) {
		if (s->line_bytes > s->limits->request_line)
			return fault_set(f, FAULT_LINE_SIZE,
					 "request line is larger than %zu bytes "
					 "(limit request_line)",
					 s->limits->request_line);
		return 0;
	}
	if (s->bytes + s->line_bytes > s->limits->header_bytes)
		return fault_set(f, FAULT_HEADER_SIZE,
				 "header block is larger than %zu bytes (limit header_bytes)",
				 s->limits->header_bytes);
	if (s->lines >= s->limits->header_count)
		return fault_set(f, FAULT_HEADER_SIZE,
				 "more than %zu header fields (limit header_count)",
				 s->limits->header_count);
	return 0;
}

static int
bad_byte(struct scan *s, unsigned char c, struct fault *f)
{
	enum fault_kind kind = in_request_line(s) ? FAULT_REQUEST_LINE : FAULT_HEADER;

	if (c == '\n')
		return fault_set(f, kind, "a line ends in LF without CR");
	return fault_set(f, kind, "control character 0x%02x", c);
}

static void
end_line(struct scan *s)
{
	if (in_request_line(s)) {
		s->first = s->line_bytes + 2;
	} else {
		s->lines++;
		s->bytes += s->line_bytes + 2;
	}
	s->line_bytes = 0;
	s->state = SCAN_LINE_START;
}

enum scan_result
scan_feed(struct scan *s, const char *data, size_t len, size_t *used, struct fault *f)
{
	size_t i = 0;

	while (i < len) {
		unsigned char c = (unsigned char)data[i];

		switch (s->state) {
		case SCAN_LINE_START:
			if (c == '\r') {
				s->state = SCAN_BLANK_CR;
				i++;
				break;
			}
			if ((c == ' ' || c == '\t') && !in_request_line(s)) {
				fault_set(f, FAULT_HEADER,
					  "a header line begins with white space (obs-fold)");
				return SCAN_FAULT;
			}
			s->state = SCAN_IN_LINE;
			break;
		case SCAN_IN_LINE:
			if (take_text(s, data, len, &i, f) != 0)
				return SCAN_FAULT;
			if (i == len)
				break;
			if (data[i] != '\r') {
				bad_byte(s, (unsigned char)data[i], f);
				return SCAN_FAULT;
			}
			s->state = SCAN_CR;
			i++;
			break;
		case SCAN_CR:
		case SCAN_BLANK_CR:
			if (c != '\n') {
				fault_set(f, in_request_line(s) ? FAULT_REQUEST_LINE : FAULT_HEADER,
					  "CR without LF");
				return SCAN_FAULT;
			}
			i++;
			if (s->state == SCAN_CR) {
				int first = in_request_line(s);

				end_line(s);
				if (!first)
					break;
				*used = i;
				return SCAN_FIRST_LINE;
			}
			s->state = SCAN_LINE_START;
			if (!in_request_line(s)) {
				*used = i;
				return SCAN_END;
			}
			s->blank += 2;
			if (s->blank > BLANK_BYTES_MAX) {
				fault_set(f, FAULT_REQUEST_LINE,
					  "more than %d empty lines before the request",
					  BLANK_BYTES_MAX / 2);
				return SCAN_FAULT;
			}
			break;
		}
	}
	*used = i;
	return SCAN_MORE;
}
