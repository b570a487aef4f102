#ifndef XMPP_BRIDGE_CRESOLV_SHIM_H
#define XMPP_BRIDGE_CRESOLV_SHIM_H

#include <netinet/in.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>

/* Macros of resolv.h and arpa/nameser.h that Swift does not import. */

static inline int xb_res_init(res_state state) { return res_ninit(state); }
static inline void xb_res_close(res_state state) { res_nclose(state); }
static inline int xb_res_query(
    res_state state, const char *name, int class_, int type, unsigned char *answer, int length) {
    return res_nquery(state, name, class_, type, answer, length);
}

static inline void xb_res_limits(res_state state, int retrans_seconds, int retries) {
    state->retrans = retrans_seconds;
    state->retry = retries;
}

/* Points a resolver at one IPv4 name server: for tests. */
static inline void xb_res_nameserver(res_state state, struct in_addr address, unsigned short port) {
    state->nscount = 1;
    state->nsaddr_list[0].sin_family = AF_INET;
    state->nsaddr_list[0].sin_addr = address;
    state->nsaddr_list[0].sin_port = htons(port);
}

static inline int xb_res_error(res_state state) { return state->res_h_errno; }
static inline int xb_type_srv(void) { return ns_t_srv; }
static inline int xb_type_a(void) { return ns_t_a; }
static inline int xb_class_in(void) { return ns_c_in; }
static inline int xb_answer_count(ns_msg *message) { return ns_msg_count(*message, ns_s_an); }
static inline int xb_parse_answer(ns_msg *message, int index, ns_rr *record) {
    return ns_parserr(message, ns_s_an, index, record);
}
static inline int xb_record_type(ns_rr *record) { return ns_rr_type(*record); }
static inline const unsigned char *xb_record_data(ns_rr *record) { return ns_rr_rdata(*record); }
static inline int xb_record_length(ns_rr *record) { return ns_rr_rdlen(*record); }
static inline int xb_expand_name(ns_msg *message, const unsigned char *from, char *into, int length) {
    return ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message), from, into, length);
}

#endif
