#ifndef XMPP_BRIDGE_COPENSSL_SHIM_H
#define XMPP_BRIDGE_COPENSSL_SHIM_H

#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* Macros of OpenSSL that Swift cannot see, under their own names with "shim_" before them. */

static const uint64_t shim_SSL_OP_NO_RENEGOTIATION = SSL_OP_NO_RENEGOTIATION;
static const uint64_t shim_SSL_OP_NO_COMPRESSION = SSL_OP_NO_COMPRESSION;
static const int shim_ERR_R_UNSUPPORTED = ERR_R_UNSUPPORTED;
static const unsigned long shim_XN_FLAG_ONE_LINE_UTF8 = XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB;
static const unsigned long shim_X509_V_FLAG_PARTIAL_CHAIN = X509_V_FLAG_PARTIAL_CHAIN;

static inline int shim_SSL_CTX_set_min_proto_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_min_proto_version(context, version);
}

static inline int shim_SSL_CTX_set_max_proto_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_max_proto_version(context, version);
}

static inline void shim_SSL_CTX_keep_client_sessions_outside(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
}

/* What is presented is what the file holds: OpenSSL adds nothing from the store of those we trust. */
static inline void shim_SSL_CTX_send_own_chain_only(SSL_CTX *context) {
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
}

static inline int shim_SSL_CTX_add0_chain_cert(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add0_chain_cert(context, certificate);
}

static inline int shim_SSL_set_tlsext_host_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}

/* A server's choice of ALPN: "xmpp-client" where the client offers it, else none (XEP-0368). */
static inline int shim_alpn_choose(SSL *ssl, const unsigned char **out, unsigned char *out_length,
                                   const unsigned char *in, unsigned int in_length, void *unused) {
    static const char wanted[] = "xmpp-client";
    const unsigned char length = sizeof wanted - 1;
    (void)ssl;
    (void)unused;
    for (unsigned int at = 0; at < in_length; at += 1u + in[at]) {
        if (in[at] == length && at + 1u + length <= in_length && memcmp(in + at + 1, wanted, length) == 0) {
            *out = in + at + 1;
            *out_length = length;
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_NOACK;
}

static inline void shim_SSL_CTX_choose_xmpp_client(SSL_CTX *context) {
    SSL_CTX_set_alpn_select_cb(context, shim_alpn_choose, NULL);
}

/* Keys: EVP_PKEY_Q_keygen takes a variable number of arguments. */

static inline EVP_PKEY *shim_generate_p256(void) { return EVP_EC_gen("P-256"); }
static inline EVP_PKEY *shim_generate_rsa(size_t bits) { return EVP_RSA_gen(bits); }
static inline EVP_PKEY *shim_generate_ed25519(void) { return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"); }

/* The names of a subjectAltName: typed stacks and unions, one at a time. */

enum shim_name_kind {
    SHIM_NAME_OTHER = 0,
    SHIM_NAME_DNS,
    SHIM_NAME_ADDRESS,
    SHIM_NAME_SRV,
    SHIM_NAME_XMPP
};

static inline GENERAL_NAMES *shim_subject_names(const X509 *certificate, int *critical) {
    return (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, critical, NULL);
}

static inline int shim_names_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }

static inline int shim_names_push(GENERAL_NAMES *names, GENERAL_NAME *name) {
    return sk_GENERAL_NAME_push(names, name);
}

static inline enum shim_name_kind shim_names_at(const GENERAL_NAMES *names, int index, const unsigned char **bytes,
                                                int *length) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    const ASN1_STRING *text = NULL;
    enum shim_name_kind kind = SHIM_NAME_OTHER;
    if (name->type == GEN_DNS) {
        kind = SHIM_NAME_DNS;
        text = name->d.dNSName;
    } else if (name->type == GEN_IPADD) {
        kind = SHIM_NAME_ADDRESS;
        text = name->d.iPAddress;
    } else if (name->type == GEN_OTHERNAME) {
        const ASN1_TYPE *value = name->d.otherName->value;
        int nid = OBJ_obj2nid(name->d.otherName->type_id);
        if (value != NULL && (value->type == V_ASN1_UTF8STRING || value->type == V_ASN1_IA5STRING)) {
            text = value->value.asn1_string;
            kind = nid == NID_SRVName ? SHIM_NAME_SRV : nid == NID_XmppAddr ? SHIM_NAME_XMPP : SHIM_NAME_OTHER;
        }
    }
    if (kind == SHIM_NAME_OTHER || text == NULL) return SHIM_NAME_OTHER;
    *bytes = ASN1_STRING_get0_data(text);
    *length = ASN1_STRING_length(text);
    return kind;
}

#endif
