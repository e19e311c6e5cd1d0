#include "builder/transfer/certificates.h"

#include <stdlib.h>

#include "builder/base/mem.h"

const char *
certificates_file(void)
{
	static const char *const variables[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE",
						"NODE_EXTRA_CA_CERTS"};

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		const char *file = getenv(variables[i]);

		if (file != NULL && file[0] != '\0')
			return file;
	}
	return NULL;
}
