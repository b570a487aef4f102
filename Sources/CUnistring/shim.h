#ifndef XMPP_BRIDGE_CUNISTRING_SHIM_H
#define XMPP_BRIDGE_CUNISTRING_SHIM_H

#include <uninorm.h>
#include <unictype.h>
#include <unicase.h>
#include <unistr.h>

#endif
