/*
 * page.h - the texts of api/web.
 */
#ifndef API_ROUTES_PAGE_H
#define API_ROUTES_PAGE_H

extern const char embed_index_html[], embed_page_css[], embed_page_js[];

#endif
