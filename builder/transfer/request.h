/*
 * request.h - one HTTP request with libcurl, for clients of our own API and for webhooks. Blocks; any
 * thread. Certificates of the user's own come from the usual variables (certificates.h).
 */
#ifndef BUILDER_TRANSFER_REQUEST_H
#define BUILDER_TRANSFER_REQUEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "builder/base/buf.h"
#include "builder/base/err.h"

struct transfer_request {
	const char *method, *url;
	const char *token;         /* Bearer; NULL for none */
	const char *sigv4;         /* AWS Signature Version 4: "aws:amz:REGION:SERVICE", with … */
	const char *user, *secret; /* … this access key and its secret; NULL for none */
	const char *type;          /* Content-Type of the body; NULL for none */
	const char *const *headers; /* more of them, "Name: value" */
	size_t header_count;
	const void *body; /* from memory … */
	size_t body_len;
	const char *body_path; /* … or from a file; NULL for none */
	unsigned seconds;      /* for the whole exchange; 0: no limit */
	unsigned stall;        /* seconds with less than 1 KB/s until it is given up; 0: no limit */
	size_t limit;          /* bytes of the answer's body */
	atomic_bool *cancel;   /* polled; NULL for none */
	/* Gets a successful answer's body piece by piece instead of the buffer; non-zero ends it. */
	int (*on_data)(const void *data, size_t len, void *arg);
	void *arg;
};

struct transfer_response {
	long status;
	struct buf body;
	char digest[80]; /* X-Prebuild-Digest, or empty */
};

/* 0 for any complete answer, whatever its status (a redirect is one, and not followed); ERR_UNREACHABLE if there was no answer,
 * ERR_TIMEOUT, ERR_CANCELLED, ERR_TOO_LARGE. Free the body with buf_fini in any case. */
int
transfer_request(const struct transfer_request *req, struct transfer_response *out, struct err *e);

#endif
