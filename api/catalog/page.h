/*
 * page.h - lists are given in pages: "cursor" in an answer is where the next page begins, as the
 * query's "cursor" wants it; null after the last.
 */
#ifndef API_CATALOG_PAGE_H
#define API_CATALOG_PAGE_H

#include <stdint.h>

#define PAGE_MAX 200

struct json;

/* Sets "cursor" of a page that holds `count` of at most `limit` entries, the last with the id `last`. */
void page_end(struct json *page, int count, int limit, int64_t last);

#endif
