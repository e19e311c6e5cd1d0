#include "api/http/method.h"

#include <string.h>

static const struct {
	const char *name;
	size_t len;
} methods[] = {
#define X(name) {#name, sizeof #name - 1},
	HTTP_METHODS(X)
#undef X
};

enum http_method
http_method_parse(const char *text, size_t len)
{
	for (size_t i = 0; i < METHOD_OTHER; i++)
		if (methods[i].len == len && memcmp(methods[i].name, text, len) == 0)
			return (enum http_method)i;
	return METHOD_OTHER;
}

const char *
http_method_name(enum http_method m)
{
	return methods[m].name;
}
