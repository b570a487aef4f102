#ifndef XMPP_BRIDGE_COPENSSL_SHIM_H
#define XMPP_BRIDGE_COPENSSL_SHIM_H

#include <openssl/ssl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/x509v3.h>

#endif
