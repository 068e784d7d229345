/* SPDX-License-Identifier: MIT */
/* Guest code in the log, as it is first decoded: -d in_asm. */
#include <string.h>

#include "base/log.h"
#include "target/x86/decode.h"

void x86_code_text(GString *out, struct x86_decode_mode mode, uint64_t lin,
                   const uint8_t *code, unsigned len)
{
    for (unsigned at = 0; at < len;) {
        char text[96] = "(bad)";
        unsigned n = len - at;
        struct x86_insn insn;

        if (x86_decode(&insn, code + at, n, mode) == X86_DECODE_OK) {
            x86_disasm(&insn, lin + at, text, sizeof(text));
            n = insn.len;
        }
        g_string_append_printf(out, "0x%08" G_GINT64_MODIFIER "x:  ", lin + at);
        for (unsigned i = 0; i < n; i++) {
            g_string_append_printf(out, "%02x ", code[at + i]);
        }
        g_string_append_printf(out, "%*s %s\n", (int)(3 * (MAX(n, 8U) - n)), "",
                               text);
        at += n;
    }
}

void x86_log_code(struct x86_decode_mode mode, uint64_t lin,
                  const uint8_t *code, unsigned len)
{
    g_autoptr(GString) out = g_string_new("----------------\nIN:\n");

    if (log_in_range(lin)) {
        x86_code_text(out, mode, lin, code, len);
        log_print("%s\n", out->str);
    }
}
