/*
 * certificates.h - whom TLS trusts besides what curl was built with.
 */
#ifndef BUILDER_TRANSFER_CERTIFICATES_H
#define BUILDER_TRANSFER_CERTIFICATES_H

/* The file that the first of CURL_CA_BUNDLE, SSL_CERT_FILE and NODE_EXTRA_CA_CERTS names; NULL if
 * none does. */
const char *certificates_file(void);

#endif
