/*
 * scan.h - finds the end of a header block (RFC 9112, section 2.2) byte by byte and refuses the
 * line endings on which two parsers could disagree: bare CR, bare LF, NUL and other control
 * characters, obs-fold. It also keeps the limits of the block, so that nothing is parsed before
 * its size is known. Used for the head of a request and for the trailers of a chunked body.
 * Internal to api/http.
 */
#ifndef API_HTTP_SCAN_H
#define API_HTTP_SCAN_H

#include <stddef.h>

#include "api/http/fault.h"

struct http_limits;

enum scan_state {
	SCAN_LINE_START,
	SCAN_IN_LINE,
	SCAN_CR,       /* after the CR of a line */
	SCAN_BLANK_CR, /* after a CR that began a line */
};

/* Plain data. */
struct scan {
	const struct http_limits *limits;
	enum scan_state state;
	size_t blank;      /* bytes of blank lines before the first line */
	size_t first;      /* length of the request line with CRLF; 0 until it is complete */
	size_t lines;      /* complete lines after the request line */
	size_t line_bytes; /* of the line under way */
	size_t bytes;      /* of all lines after the request line */
	int request_line;  /* whether a request line comes first */
};

enum scan_result { SCAN_MORE, SCAN_FIRST_LINE, SCAN_END, SCAN_FAULT };

/* request_line: 1 for a head, 0 for trailers. limits must outlive s. */
void scan_init(struct scan *s, const struct http_limits *limits, int request_line);

/* Looks at len further bytes; *used says how many belong to the block. Returns SCAN_FIRST_LINE
 * once, right after the request line, SCAN_END after the blank line, or SCAN_FAULT with f set. */
enum scan_result
scan_feed(struct scan *s, const char *data, size_t len, size_t *used, struct fault *f);

#endif
