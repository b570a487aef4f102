#ifndef XMPP_BRIDGE_CIDN2_SHIM_H
#define XMPP_BRIDGE_CIDN2_SHIM_H

#include <idn2.h>

#endif
