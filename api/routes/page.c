/*
 * page.c - GET /, /page.css and /page.js: the web page, from api/web at build time. It has no rights of its own: what it
 * shows it asks the API for, with the token of who looks at it.
 */
#include "api/routes/page.h"

#include <string.h>

#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/routes/service.h"

/* Nothing but the page's own files, whatever a hostile package gets into a text that it shows. */
#define POLICY                                                                         \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';" \
	" img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static void
reply_file_text(struct http_request *r, const char *type, const char *text)
{
	reply_header(r, "Content-Security-Policy", POLICY);
	reply_header(r, "X-Content-Type-Options", "nosniff");
	reply_header(r, "Referrer-Policy", "no-referrer");
	reply_header(r, "Cache-Control", "no-cache");
	reply_text(r, 200, type, text, strlen(text));
}

void
route_page(struct http_request *r, void *data)
{
	(void)data;
	reply_file_text(r, "text/html; charset=utf-8", embed_index_html);
}

void
route_page_style(struct http_request *r, void *data)
{
	(void)data;
	reply_file_text(r, "text/css; charset=utf-8", embed_page_css);
}

void
route_page_script(struct http_request *r, void *data)
{
	(void)data;
	reply_file_text(r, "text/javascript; charset=utf-8", embed_page_js);
}
