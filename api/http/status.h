/*
 * status.h - reason phrases of HTTP status codes (RFC 9110, section 15). Internal to api/http.
 */
#ifndef API_HTTP_STATUS_H
#define API_HTTP_STATUS_H

/* "Not Found"; a general word for a code that is not in the table. */
const char *http_status_reason(int status);

#endif
