#ifndef XMPP_BRIDGE_CRESOLV_SHIM_H
#define XMPP_BRIDGE_CRESOLV_SHIM_H

#include <netinet/in.h>
#include <arpa/nameser.h>
#include <resolv.h>
#include <netdb.h>

#endif
