/* SPDX-License-Identifier: MIT */
#include "net/user_opts.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* Where things are unless the user says otherwise: as under QEMU. */
enum { DEFAULT_BITS = 24, HOST = 2, DNS = 3, DHCP = 15 };

static bool address(struct in_addr *a, struct opts *o, const char *key,
                    GError **error)
{
    const char *text = opts_get(o, key);

    return !text || inet_pton(AF_INET, text, a) == 1 ||
           fail(error, "%s=%s: want an IPv4 address such as 10.0.2.2", key,
                text);
}

static bool address6(struct in6_addr *a, struct opts *o, const char *key,
                     GError **error)
{
    const char *text = opts_get(o, key);

    return !text || inet_pton(AF_INET6, text, a) == 1 ||
           fail(error, "%s=%s: want an IPv6 address such as fec0::2", key,
                text);
}

/* What classes were: the size of a network that is given without. */
static unsigned natural_bits(uint32_t addr)
{
    if (!(addr & 0x80000000)) {
        return 8;
    }
    return (addr & 0xfff00000) == 0xac100000   ? 28
           : (addr & 0xffff0000) == 0xc0a80000 ? 24
           : (addr & 0xc0000000) == 0x80000000 ? 16
                                               : 24;
}

static bool parse_mask(struct user_opts *u, const char *text, GError **error)
{
    char *end;
    unsigned long bits = strtoul(text, &end, 10);

    if (strchr(text, '.')) {
        return inet_pton(AF_INET, text, &u->mask) == 1 ||
               fail(error, "net=: '%s' is no mask", text);
    }
    if (*end || end == text || bits == 0 || bits > 30) {
        return fail(error, "net=: '/%s': want 1 to 30 bits", text);
    }
    u->mask.s_addr = htonl(~UINT32_C(0) << (32 - bits));
    return true;
}

static bool parse_net(struct user_opts *u, struct opts *o, GError **error)
{
    const char *text = opts_get(o, "net");
    g_auto(GStrv) parts = g_strsplit(text ? text : "10.0.2.0/24", "/", 2);
    uint32_t net;

    if (inet_pton(AF_INET, parts[0], &u->net) != 1) {
        return fail(error, "net=%s: want ADDRESS/BITS such as 10.0.2.0/24",
                    text);
    }
    net = ntohl(u->net.s_addr);
    u->mask.s_addr = htonl(~UINT32_C(0) << (32 - natural_bits(net)));
    if (parts[1] && !parse_mask(u, parts[1], error)) {
        return false;
    }
    net &= ntohl(u->mask.s_addr);
    u->net.s_addr = htonl(net);
    u->host.s_addr = htonl(net | HOST);
    u->dns.s_addr = htonl(net | DNS);
    u->dhcp.s_addr = htonl(net | DHCP);
    return true;
}

static bool inside(const struct user_opts *u, struct in_addr a, const char *key,
                   GError **error)
{
    char text[INET_ADDRSTRLEN];

    if ((a.s_addr & u->mask.s_addr) == u->net.s_addr &&
        (a.s_addr & ~u->mask.s_addr) != 0) {
        return true;
    }
    return fail(error, "%s=%s: not an address of the guest's network (net=)",
                key, inet_ntop(AF_INET, &a, text, sizeof(text)));
}

static bool parse_ipv4(struct user_opts *u, struct opts *o, GError **error)
{
    if (!parse_net(u, o, error) || !address(&u->host, o, "host", error) ||
        !address(&u->dns, o, "dns", error) ||
        !address(&u->dhcp, o, "dhcpstart", error)) {
        return false;
    }
    if (u->host.s_addr == u->dns.s_addr) {
        return fail(error, "dns= and host= are the same address");
    }
    return inside(u, u->host, "host", error) &&
           inside(u, u->dns, "dns", error) &&
           inside(u, u->dhcp, "dhcpstart", error);
}

/* ipv6-net=PREFIX/BITS, or ipv6-prefix= and ipv6-prefixlen=. */
static bool parse_prefix(struct user_opts *u, struct opts *o, GError **error)
{
    const char *net = opts_get(o, "ipv6-net");
    const char *prefix = opts_get(o, "ipv6-prefix");
    g_auto(GStrv) parts = g_strsplit(net      ? net
                                     : prefix ? prefix
                                              : "fec0::",
                                     "/", 2);
    uint64_t bits = parts[1] ? g_ascii_strtoull(parts[1], NULL, 10) : 64;

    if (inet_pton(AF_INET6, parts[0], &u->prefix6) != 1) {
        return fail(error, "ipv6-net=%s: want PREFIX/BITS such as fec0::/64",
                    net ? net : prefix);
    }
    if (!opts_get_uint(o, "ipv6-prefixlen", 126, &bits, error)) {
        return false;
    }
    if (bits == 0 || bits > 126) {
        return fail(error, "ipv6-prefixlen: want 1 to 126 bits");
    }
    u->prefix6_len = (uint8_t)bits;
    u->host6 = u->dns6 = u->prefix6;
    u->host6.s6_addr[15] |= HOST;
    u->dns6.s6_addr[15] |= DNS;
    return address6(&u->host6, o, "ipv6-host", error) &&
           address6(&u->dns6, o, "ipv6-dns", error);
}

static void gather(struct user_opts *u, const struct opts *o)
{
    u->search = g_ptr_array_new();
    u->forward = g_ptr_array_new();
    for (guint i = 0; i < o->list->len; i++) {
        struct opt *opt = &g_array_index(o->list, struct opt, i);
        GPtrArray *to = g_str_has_prefix(opt->key, "dnssearch") ? u->search
                        : g_str_has_prefix(opt->key, "hostfwd") ? u->forward
                                                                : NULL;

        if (to) {
            opt->used = true;
            g_ptr_array_add(to, opt->value);
        }
    }
    g_ptr_array_add(u->search, NULL);
}

static bool check_forwards(const struct user_opts *u, GError **error)
{
    for (guint i = 0; i < u->forward->len; i++) {
        struct user_forward f;

        if (!user_forward_parse(&f, u->forward->pdata[i], true, error)) {
            return false;
        }
    }
    return true;
}

static bool not_there(struct opts *o, GError **error)
{
    static const struct {
        const char *key, *why;
    } absent[] = {
        {"smb", "shares by Samba are not there; a folder is shared by 9p or "
                "tftp="},
        {"smbserver", "shares by Samba are not there"},
        {"guestfwd", "forwarding from the guest's network is not there yet"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(absent); i++) {
        if (opts_get(o, absent[i].key)) {
            return fail(error, "%s=: %s", absent[i].key, absent[i].why);
        }
    }
    return true;
}

/* Who switches on one of the two alone wants no other. */
static bool parse_versions(struct user_opts *u, struct opts *o, GError **error)
{
    if (!opts_get_bool(o, "ipv4", &u->ipv4, error) ||
        !opts_get_bool(o, "ipv6", &u->ipv6, error)) {
        return false;
    }
    if (opts_has(o, "ipv4") && u->ipv4 && !opts_has(o, "ipv6")) {
        u->ipv6 = false;
    } else if (opts_has(o, "ipv6") && u->ipv6 && !opts_has(o, "ipv4")) {
        u->ipv4 = false;
    }
    return true;
}

bool user_opts_parse(struct user_opts *u, struct opts *o, GError **error)
{
    static const char *const keys[] = {
        "type",      "id",        "net",       "host",
        "ipv4",      "ipv6",      "ipv6-net",  "ipv6-prefix",
        "ipv6-host", "ipv6-dns",  "restrict",  "ipv6-prefixlen",
        "hostname",  "dhcpstart", "dns",       "dnssearch",
        "tftp",      "bootfile",  "hostfwd",   "tftp-server-name",
        "guestfwd",  "smb",       "smbserver", "domainname",
        NULL};

    *u = (struct user_opts){.ipv4 = true, .ipv6 = true};
    gather(u, o);
    opts_get(o, "type"); /* whoever chose this has looked at them */
    opts_get(o, "id");
    u->hostname = opts_get(o, "hostname");
    u->domain = opts_get(o, "domainname");
    u->tftp = opts_get(o, "tftp");
    u->tftp_name = opts_get(o, "tftp-server-name");
    u->bootfile = opts_get(o, "bootfile");
    if (!parse_versions(u, o, error) ||
        !opts_get_bool(o, "restrict", &u->restricted, error) ||
        !parse_ipv4(u, o, error) || !parse_prefix(u, o, error) ||
        !check_forwards(u, error) || !not_there(o, error)) {
        return false;
    }
    if (!u->ipv4 && !u->ipv6) {
        return fail(error, "ipv4=off and ipv6=off leave nothing");
    }
    if (u->tftp && !g_file_test(u->tftp, G_FILE_TEST_IS_DIR)) {
        return fail(error, "tftp=%s: there is no such folder", u->tftp);
    }
    return opts_check_used(o, "user network", keys, error);
}

void user_opts_clear(struct user_opts *u)
{
    g_clear_pointer(&u->search, g_ptr_array_unref);
    g_clear_pointer(&u->forward, g_ptr_array_unref);
}

/* ADDR:PORT, [ADDR6]:PORT or :PORT, any address; what follows is at *rest. */
static bool endpoint(struct sockaddr_in6 *to, const char *text,
                     const char **rest)
{
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)to;
    bool v6 = *text == '[';
    const char *end = v6 ? strchr(text, ']') : strchr(text, ':');
    g_autofree char *host = NULL;
    unsigned long port;
    char *after;

    if (!end || (v6 && end[1] != ':')) {
        return false;
    }
    host = g_strndup(text + v6, (gsize)(end - text - v6));
    port = strtoul(end + 1 + v6, &after, 10);
    if (after == end + 1 + v6 || port > 65535) {
        return false;
    }
    *rest = after;
    memset(to, 0, sizeof(*to));
    if (v6) {
        to->sin6_family = AF_INET6;
        to->sin6_port = htons((uint16_t)port);
        return inet_pton(AF_INET6, host, &to->sin6_addr) == 1;
    }
    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t)port);
    return *host ? inet_pton(AF_INET, host, &in->sin_addr) == 1 : true;
}

bool user_forward_parse(struct user_forward *f, const char *text, bool guest,
                        GError **error)
{
    const char *p = text;

    memset(f, 0, sizeof(*f));
    f->udp = g_str_has_prefix(text, "udp:");
    if (f->udp || g_str_has_prefix(text, "tcp:")) {
        p += 4;
    } else if (*p == ':') {
        p++; /* no protocol: TCP */
    }
    if (endpoint(&f->host.in6, p, &p) && (!guest || *p++ == '-') &&
        (!guest || endpoint(&f->guest.in6, p, &p)) && !*p &&
        (!guest || (f->guest.in.sin_port &&
                    f->guest.any.sa_family == f->host.any.sa_family))) {
        return true;
    }
    return fail(error, "hostfwd=%s: want %s", text,
                guest ? "tcp|udp:[ADDRESS]:PORT-[ADDRESS]:PORT, such as "
                        "tcp::2222-:22"
                      : "tcp|udp:[ADDRESS]:PORT");
}
