/* SPDX-License-Identifier: MIT */
/*
 * The table of CPU models, and `-cpu MODEL,+feature,-feature,name=on`.
 */
#include <string.h>

#include "base/log.h"
#include "base/opts.h"
#include "base/text.h"
#include "target/x86/model.h"

/* clang-format off */
#define WORD0(f) | (X86_FEATURE_##f / 64 == 0 ? BIT(X86_FEATURE_##f % 64) : 0)
#define WORD1(f) | (X86_FEATURE_##f / 64 == 1 ? BIT(X86_FEATURE_##f % 64) : 0)
#define WORD2(f) | (X86_FEATURE_##f / 64 == 2 ? BIT(X86_FEATURE_##f % 64) : 0)
_Static_assert(X86_FEATURES <= 192, "WORD3 is needed");

static const struct x86_model models[] = {
#define MODEL(nm, vnd, fam, mod, step, phys, lin, set, text) \
    {.name = nm, .vendor = vnd, .brand = text, .family = fam, .model = mod, \
     .stepping = step, .phys_bits = phys, .lin_bits = lin, \
     .features = {{0 set(WORD0), 0 set(WORD1), 0 set(WORD2)}}},
#include "target/x86/models.def"
#undef MODEL
};

static const struct {
    const char *name;
    enum x86_feature feature;
} feature_names[] = {
#define FEATURE(name, option, ...) {option, X86_FEATURE_##name},
#include "target/x86/features.def"
#undef FEATURE
    {"sse4_1", X86_FEATURE_SSE41}, {"sse4_2", X86_FEATURE_SSE42},
    {"sse3", X86_FEATURE_SSE3}, {"clfsh", X86_FEATURE_CLFSH},
    {"lzcnt", X86_FEATURE_ABM}, {"i64", X86_FEATURE_LM},
    {"xd", X86_FEATURE_NX}, {"lahf_lm", X86_FEATURE_LAHF64},
    {"tsc_adjust", X86_FEATURE_TSC_ADJUST}, {"sha_ni", X86_FEATURE_SHA},
    {"pclmuldq", X86_FEATURE_PCLMUL}, {"ffxsr", X86_FEATURE_FFXSR},
};
/* clang-format on */

const struct x86_model *x86_model_max(void)
{
    return &models[0];
}

static const struct x86_model *model_find(const char *name, GError **error)
{
    const char *names[ARRAY_SIZE(models) + 1] = {NULL};
    g_autofree char *bare = g_strdup(name);
    char *version = strstr(bare, "-v");

    /* "Nehalem-v2", "EPYC-v4": the versions differ in microcode's doings */
    if (version && !g_str_has_prefix(bare, "x86-64") &&
        strspn(version + 2, "0123456789") == strlen(version + 2)) {
        *version = '\0';
    }
    for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
        if (strcmp(models[i].name, bare) == 0) {
            return &models[i];
        }
        names[i] = models[i].name;
    }
    if (strcmp(name, "base") == 0 || strcmp(name, "host") == 0) {
        fail(error,
             "-cpu %s needs an accelerator that runs on the host's "
             "CPU; max is what there is here",
             name);
        return NULL;
    }
    fail_unknown(error, "CPU model", name, names);
    return NULL;
}

static bool feature_find(const char *name, enum x86_feature *feature,
                         GError **error)
{
    const char *names[ARRAY_SIZE(feature_names) + 1];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(feature_names); i++) {
        if (strcmp(feature_names[i].name, name) == 0 && *name) {
            *feature = feature_names[i].feature;
            return true;
        }
        if (*feature_names[i].name) {
            names[n++] = feature_names[i].name;
        }
    }
    names[n] = NULL;
    return fail_unknown(error, "CPU feature", name, names);
}

static bool feature_apply(struct x86_model *m, const char *name, bool on,
                          GError **error)
{
    enum x86_feature f = X86_FEATURE_NONE;

    if (!feature_find(name, &f, error)) {
        return false;
    }
    if (!on) {
        x86_feature_clear(&m->features, f);
    } else if (x86_has(x86_model_max(), f)) {
        x86_feature_set(&m->features, f);
    } else {
        warn_user("CPU feature '%s' is not implemented; left out", name);
    }
    return true;
}

/* name=value: a feature, or a number that the model states. */
static bool property_apply(struct x86_model *m, const char *name,
                           const char *value, GError **error)
{
    static const char *const accepted[] = {"migratable",
                                           "check",
                                           "enforce",
                                           "kvm",
                                           "l3-cache",
                                           "pmu",
                                           "topoext",
                                           "level",
                                           "xlevel",
                                           "host-phys-bits",
                                           "host-phys-bits-limit",
                                           "phys-bits",
                                           "vmware-cpuid-freq",
                                           "tcg-cpuid",
                                           "hv-passthrough",
                                           "fill-mtrr-mask",
                                           "cpuid",
                                           "host-cache-info",
                                           "tsc-frequency",
                                           "legacy-cache",
                                           NULL};
    uint64_t n = 0;
    bool on = false;

    if (g_strv_contains(accepted, name) || g_str_has_prefix(name, "hv-") ||
        g_str_has_prefix(name, "kvm-") || g_str_has_prefix(name, "vmx-")) {
        return true; /* of KVM, or told otherwise */
    }
    if (strcmp(name, "vendor") == 0) {
        if (strlen(value) != 12) {
            return fail(error, "-cpu vendor=%s: want twelve characters", value);
        }
        g_strlcpy(m->own_vendor, value, sizeof(m->own_vendor));
        m->vendor = m->own_vendor;
        return true;
    }
    if (strcmp(name, "model-id") == 0) {
        g_strlcpy(m->own_brand, value, sizeof(m->own_brand));
        m->brand = m->own_brand;
        return true;
    }
    if (strcmp(name, "family") == 0 || strcmp(name, "model") == 0 ||
        strcmp(name, "stepping") == 0) {
        if (!text_to_uint(value, 255, &n)) {
            return fail(error, "-cpu %s=%s: want a number", name, value);
        }
        *(name[0] == 'f'   ? &m->family
          : name[0] == 'm' ? &m->model
                           : &m->stepping) = (uint16_t)n;
        return true;
    }
    if (!text_to_bool(value, &on)) {
        return fail(error, "-cpu %s=%s: want on or off", name, value);
    }
    return feature_apply(m, name, on, error);
}

static bool item_apply(struct x86_model *m, char *item, GError **error)
{
    char *eq = strchr(item, '=');

    if (item[0] == '+' || item[0] == '-') {
        return feature_apply(m, item + 1, item[0] == '+', error);
    }
    if (eq) {
        *eq = '\0';
        return property_apply(m, item, eq + 1, error);
    }
    return property_apply(m, item, "on", error);
}

/* What was asked for and is not implemented, by name; "" = nothing. */
static char *missing_features(const struct x86_features *wanted)
{
    GString *s = g_string_new(NULL);
    const struct x86_model *max = x86_model_max();

    for (size_t i = 0; i < ARRAY_SIZE(feature_names); i++) {
        enum x86_feature f = feature_names[i].feature;

        if (*feature_names[i].name && x86_feature_test(wanted, f) &&
            !x86_has(max, f)) {
            g_string_append_printf(s, "%s%s", s->len ? ", " : "",
                                   feature_names[i].name);
        }
    }
    return g_string_free(s, FALSE);
}

/* check and enforce: a warning, or an error, for what cannot be had. */
static bool model_check(char **items, struct x86_features wanted,
                        GError **error)
{
    bool enforce = false;
    bool check = false;
    g_autofree char *missing = NULL;

    for (; *items; items++) {
        enum x86_feature f = X86_FEATURE_NONE;

        if (strcmp(*items, "enforce") == 0 ||
            strcmp(*items, "enforce=on") == 0) {
            enforce = true;
        } else if (strcmp(*items, "check") == 0 ||
                   strcmp(*items, "check=on") == 0) {
            check = true;
        } else if (**items == '+' && feature_find(*items + 1, &f, NULL)) {
            x86_feature_set(&wanted, f);
        } else if (**items == '-' && feature_find(*items + 1, &f, NULL)) {
            x86_feature_clear(&wanted, f);
        }
    }
    missing = missing_features(&wanted);
    if (*missing && enforce) {
        return fail(error, "-cpu enforce: not implemented: %s", missing);
    }
    if (*missing && check) {
        warn_user("-cpu check: left out, because not implemented: %s", missing);
    }
    return true;
}

struct x86_model *x86_model_new(const char *text, GError **error)
{
    g_auto(GStrv) items = g_strsplit(text, ",", -1);
    const struct x86_model *base = model_find(items[0] ? items[0] : "", error);
    const struct x86_model *max = x86_model_max();
    struct x86_model *m;

    if (!base || !model_check(items + 1, base->features, error)) {
        return NULL;
    }
    m = g_memdup2(base, sizeof(*base));
    for (size_t i = 0; i < ARRAY_SIZE(m->features.bits); i++) {
        m->features.bits[i] &= max->features.bits[i];
    }
    for (char **item = items + 1; *item; item++) {
        if (**item && !item_apply(m, *item, error)) {
            g_free(m);
            return NULL;
        }
    }
    return m;
}

char *x86_models_help(void)
{
    GString *s = g_string_new("Available CPUs:\n");

    for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
        g_string_append_printf(s, "x86 %-20s %s\n", models[i].name,
                               models[i].brand);
    }
    g_string_append(s, "\nRecognized CPUID flags:\n");
    for (size_t i = 0; i < ARRAY_SIZE(feature_names); i++) {
        if (*feature_names[i].name &&
            x86_has(x86_model_max(), feature_names[i].feature)) {
            g_string_append_printf(s, "  %s\n", feature_names[i].name);
        }
    }
    return g_string_free(s, FALSE);
}

const char *x86_model_name(size_t n)
{
    return n < ARRAY_SIZE(models) ? models[n].name : NULL;
}

const struct x86_model *x86_model_at(size_t n)
{
    return n < ARRAY_SIZE(models) ? &models[n] : NULL;
}

const char *x86_feature_name(size_t n, enum x86_feature *feature)
{
    if (n >= ARRAY_SIZE(feature_names)) {
        return NULL;
    }
    *feature = feature_names[n].feature;
    return feature_names[n].name;
}
