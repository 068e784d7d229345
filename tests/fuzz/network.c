/* SPDX-License-Identifier: MIT */
/* What guests say of packets, and users of networks. */
#include <string.h>

#include "net/offload.h"
#include "net/sock_addr.h"
#include "net/user_opts.h"
#include "tests/fuzz/fuzz.h"

static void count_segment(void *opaque, const uint8_t *data, size_t len)
{
    *(size_t *)opaque += len + data[len - 1];
}

/* A packet with what its sender says is to be done to it. */
static void run_offload(const struct fuzz_target *t, const uint8_t *data,
                        size_t len)
{
    struct bytes in = {data, len};
    struct net_packet p = {.csum_needed = true};
    size_t sum = 0;
    g_autofree uint8_t *copy = NULL;

    p.gso = take8(&in) % 3;
    p.gso_size = take16(&in);
    p.csum_start = take16(&in) & 0xff;
    p.csum_offset = take16(&in) & 0xff;
    copy = g_memdup2(in.at, in.left);
    p.data = copy;
    p.len = in.left;
    if (p.len) {
        net_csum_fill(&p, copy);
        net_segment(&p, count_segment, &sum);
        net_gso_lengths(&p, copy);
    }
}

static void run_net_options(const struct fuzz_target *t, const uint8_t *data,
                            size_t len)
{
    g_autofree char *text = g_strndup((const char *)data, len);
    struct opts *o = opts_parse(text, "net", NULL);
    struct user_forward f;
    struct sock_addr a;

    user_forward_parse(&f, text, true, NULL);
    user_forward_parse(&f, text, false, NULL);
    if (o) {
        struct user_opts u;

        user_opts_parse(&u, o, NULL);
        user_opts_clear(&u);
        if (!opts_has(o, "addr.host")) { /* names are not to be looked up */
            sock_addr_opts(&a, o, "addr", true, NULL);
        }
        opts_free(o);
    }
}

void fuzz_add_network(GPtrArray *targets)
{
    fuzz_add(targets, g_strdup("offload"), run_offload, NULL, NULL);
    fuzz_add(targets, g_strdup("net-options"), run_net_options, NULL, NULL);
}
