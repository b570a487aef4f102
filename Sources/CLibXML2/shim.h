#ifndef XMPP_BRIDGE_CLIBXML2_SHIM_H
#define XMPP_BRIDGE_CLIBXML2_SHIM_H

#include <string.h>
#include <libxml/parser.h>
#include <libxml/SAX2.h>
#include <libxml/xmlerror.h>

/* The fields of the parser that are read, in one place: later versions of the library deprecate them. */

/* How many distinct names the parser's dictionary holds. */
static inline int xmlstream_names(xmlParserCtxtPtr context) {
    return xmlDictSize(context->dict);
}

/* The byte the parser stands at; 0 at the end of what it was given. */
static inline unsigned char xmlstream_byte(xmlParserCtxtPtr context) {
    return context->input->cur < context->input->end ? *context->input->cur : 0;
}

/* The bytes that the parser was given and has not parsed yet. */
static inline const unsigned char *xmlstream_pending(xmlParserCtxtPtr context, long *count) {
    *count = context->input == NULL ? 0 : context->input->end - context->input->cur;
    return context->input == NULL ? NULL : context->input->cur;
}

/* The length of a word, looked at no further than that. */
static inline size_t xmlstream_length(const unsigned char *word, size_t most) {
    return strnlen((const char *)word, most);
}

/* Whether a fatal error has ended the document. */
static inline int xmlstream_is_broken(xmlParserCtxtPtr context) {
    return !context->wellFormed;
}

#endif
