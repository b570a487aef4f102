#ifndef XMPP_BRIDGE_CLIBXML2_SHIM_H
#define XMPP_BRIDGE_CLIBXML2_SHIM_H

#include <libxml/parser.h>
#include <libxml/SAX2.h>
#include <libxml/xmlerror.h>

#endif
