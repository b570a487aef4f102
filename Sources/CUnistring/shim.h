#ifndef XMPP_BRIDGE_CUNISTRING_SHIM_H
#define XMPP_BRIDGE_CUNISTRING_SHIM_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uninorm.h>
#include <unictype.h>
#include <unicase.h>
#include <unistr.h>

/* The general category as one bit of UC_CATEGORY_MASK_*. */
static inline uint32_t unistring_category(ucs4_t c) {
    return uc_general_category(c).bitmask;
}

/* Whether the character's Script property has this long name. */
static inline bool unistring_has_script(ucs4_t c, const char *name) {
    const uc_script_t *script = uc_script(c);
    return script != NULL && strcmp(script->name, name) == 0;
}

/* The normal form, in memory to be given to unistring_free; NULL where memory is short or nothing is left. */
static inline uint32_t *unistring_nfc(const uint32_t *s, size_t n, size_t *length) {
    return u32_normalize(UNINORM_NFC, s, n, NULL, length);
}

static inline uint32_t *unistring_nfkc(const uint32_t *s, size_t n, size_t *length) {
    return u32_normalize(UNINORM_NFKC, s, n, NULL, length);
}

static inline void unistring_free(void *memory) {
    free(memory);
}

#endif
