/*
 * fault.h - why the server itself refuses a request, before or instead of a handler. Internal to
 * api/http.
 */
#ifndef API_HTTP_FAULT_H
#define API_HTTP_FAULT_H

/* X(constant, HTTP status, stable code in the problem document) */
#define HTTP_FAULTS(X)                                         \
	X(FAULT_REQUEST_LINE, 400, "bad-request-line")         \
	X(FAULT_TARGET, 400, "bad-target")                     \
	X(FAULT_HEADER, 400, "bad-header")                     \
	X(FAULT_HOST, 400, "bad-host")                         \
	X(FAULT_LENGTH, 400, "bad-content-length")             \
	X(FAULT_CODING, 400, "bad-transfer-encoding")          \
	X(FAULT_CHUNK, 400, "bad-chunk")                       \
	X(FAULT_BODY, 400, "unexpected-body")                  \
	X(FAULT_NO_ROUTE, 404, "not-found")                    \
	X(FAULT_NO_METHOD, 405, "method-not-allowed")          \
	X(FAULT_TIMEOUT, 408, "request-timeout")               \
	X(FAULT_BODY_SIZE, 413, "too-large")                   \
	X(FAULT_LINE_SIZE, 414, "request-line-too-long")       \
	X(FAULT_EXPECT, 417, "expectation-failed")             \
	X(FAULT_HEADER_SIZE, 431, "header-too-large")          \
	X(FAULT_INTERNAL, 500, "internal")                     \
	X(FAULT_METHOD, 501, "method-not-implemented")         \
	X(FAULT_CODING_UNKNOWN, 501, "coding-not-implemented") \
	X(FAULT_CONNECTIONS, 503, "too-many-connections")      \
	X(FAULT_VERSION, 505, "version-not-supported")         \
	X(FAULT_STORAGE, 507, "storage-full")

enum fault_kind {
#define X(constant, status, code) constant,
	HTTP_FAULTS(X)
#undef X
};

/* Plain data. detail is a sentence for people; it never holds bytes of the request. */
struct fault {
	enum fault_kind kind;
	char detail[160];
};

/* Fills f and returns -1, so that `return fault_set(f, …)` is the usual form. */
int fault_set(struct fault *f, enum fault_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

int fault_status(enum fault_kind kind);
const char *fault_code(enum fault_kind kind);

#endif
