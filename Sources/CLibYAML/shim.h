#ifndef XMPP_BRIDGE_CLIBYAML_SHIM_H
#define XMPP_BRIDGE_CLIBYAML_SHIM_H

#include <yaml.h>

#endif
