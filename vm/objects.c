/* SPDX-License-Identifier: MIT */
#include "vm/objects.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "vm/text_opts.h"

#define MEMORY_PROPS                                                     \
    "size:size,share:bool,prealloc:bool,prealloc-threads:int,dump:bool," \
    "merge:bool,policy:str,host-nodes:str,reserve:bool,"                 \
    "x-use-canonical-path-for-ramblock-id:bool"

const struct object_type object_types[] = {
    {"iothread",
     "poll-max-ns:int,poll-grow:int,poll-shrink:int,aio-max-batch:"
     "int,thread-pool-min:int,thread-pool-max:int",
     false},
    {"memory-backend-file",
     MEMORY_PROPS ",mem-path:str,align:size,discard-data:bool,pmem:bool,"
                  "readonly:bool",
     true},
    {"memory-backend-memfd",
     MEMORY_PROPS ",hugetlb:bool,hugetlbsize:size,seal:bool", true},
    {"memory-backend-ram", MEMORY_PROPS, true},
    {"rng-builtin", "", false},
    {"rng-random", "filename:str", false},
    {"secret", "data:str,file:str,format:str,keyid:str,iv:str", false},
    {"throttle-group", "limits:str", false},
    {.name = NULL},
};

static const struct object_type *type_find(const char *name, GError **error)
{
    const char *names[ARRAY_SIZE(object_types)] = {NULL};

    for (size_t i = 0; object_types[i].name; i++) {
        if (strcmp(object_types[i].name, name) == 0) {
            return &object_types[i];
        }
        names[i] = object_types[i].name;
    }
    fail_unknown(error, "object type", name, names);
    return NULL;
}

/* --- properties --- */

/* The type of a property; NULL: there is none of that name. */
static const char *prop_type(char **props, const char *name)
{
    size_t len = strlen(name);

    for (; *props; props++) {
        if (strncmp(*props, name, len) == 0 && (*props)[len] == ':') {
            return *props + len + 1;
        }
    }
    return NULL;
}

static bool prop_check(char **props, const char *type, const struct opt *opt,
                       GError **error)
{
    g_autofree char *name = g_strndup(opt->key, strcspn(opt->key, "."));
    const char *kind = prop_type(props, name);
    uint64_t n;
    bool on;

    if (!kind) {
        return fail(error, "Property '%s.%s' not found", type, opt->key);
    }
    if (strcmp(kind, "bool") == 0 && !text_to_bool(opt->value, &on)) {
        return fail(error, "%s=%s: want on or off", opt->key, opt->value);
    }
    if (strcmp(kind, "int") == 0 && !text_to_uint(opt->value, INT64_MAX, &n)) {
        return fail(error, "%s=%s: want a number", opt->key, opt->value);
    }
    if (strcmp(kind, "size") == 0 && !text_to_size(opt->value, 1, &n)) {
        return fail(error, "%s=%s: want a size such as 512M or 4G", opt->key,
                    opt->value);
    }
    return true;
}

static bool props_check(const struct object_type *type, struct opts *opts,
                        GError **error)
{
    g_auto(GStrv) props = g_strsplit(type->props, ",", -1);

    for (guint i = 0; i < opts->list->len; i++) {
        const struct opt *opt = &g_array_index(opts->list, struct opt, i);

        if (strcmp(opt->key, "qom-type") != 0 && strcmp(opt->key, "id") != 0 &&
            !prop_check(props, type->name, opt, error)) {
            return false;
        }
    }
    if (type->is_memory && !opts_has(opts, "size")) {
        return fail(error, "can't create backend with size 0");
    }
    if (strcmp(type->name, "memory-backend-file") == 0 &&
        !opts_has(opts, "mem-path")) {
        return fail(error, "mem-path property not set");
    }
    return true;
}

/* --- secrets --- */

static char *secret_load(struct opts *o, GError **error)
{
    const char *data = opts_get(o, "data");
    const char *file = opts_get(o, "file");
    const char *format = opts_get(o, "format");
    g_autofree char *text = NULL;
    gsize len = 0;

    if (!data == !file) {
        fail(error, "secret: want either data= or file=");
        return NULL;
    }
    if (opts_has(o, "keyid") || opts_has(o, "iv")) {
        fail(error, "secret: encrypted ones are not understood");
        return NULL;
    }
    if (file && !file_load(file, MIB, &text, &len, error)) {
        return NULL;
    }
    data = text ? text : data;
    if (format && strcmp(format, "base64") == 0) {
        guchar *bytes = g_base64_decode(data, &len);
        char *plain = g_strndup((char *)bytes, len);

        g_free(bytes);
        return plain;
    }
    if (format && strcmp(format, "raw") != 0) {
        fail(error, "secret: format=%s: there are raw and base64", format);
        return NULL;
    }
    return g_strdup(data);
}

char *object_secret(const struct vm *vm, const char *id, GError **error)
{
    struct object *o = object_find(vm, id);

    if (!o || strcmp(o->type->name, "secret") != 0) {
        fail(error, "No secret with id '%s'", id);
        return NULL;
    }
    return secret_load(o->opts, error);
}

/* --- the list --- */

struct object *object_find(const struct vm *vm, const char *id)
{
    for (guint i = 0; i < vm->objects->len; i++) {
        struct object *o = vm->objects->pdata[i];

        if (strcmp(o->id, id) == 0) {
            return o;
        }
    }
    return NULL;
}

static bool object_check(const struct vm *vm, const struct object_type *type,
                         const char *id, struct opts *opts, GError **error)
{
    g_autofree char *text = NULL;

    if (!id || !*id) {
        return fail(error, "-object %s: want id=NAME", type->name);
    }
    if (object_find(vm, id)) {
        return fail(error,
                    "attempt to add duplicate property '%s' to object "
                    "(type 'container')",
                    id);
    }
    if (!props_check(type, opts, error)) {
        return false;
    }
    if (strcmp(type->name, "secret") == 0) {
        text = secret_load(opts, error);
        return text;
    }
    return true;
}

bool object_add(struct vm *vm, struct opts *opts, GError **error)
{
    const char *name = opts_get(opts, "qom-type");
    const char *id = opts_get(opts, "id");
    const struct object_type *type = name ? type_find(name, error) : NULL;
    struct object *o;

    if (!type || !object_check(vm, type, id, opts, error)) {
        if (!name) {
            fail(error, "-object wants TYPE,id=NAME");
        }
        opts_free(opts);
        return false;
    }
    o = g_new(struct object, 1);
    *o = (struct object){.type = type, .id = g_strdup(id), .opts = opts};
    g_ptr_array_add(vm->objects, o);
    return true;
}

bool object_add_text(struct vm *vm, const char *text, GError **error)
{
    struct opts *opts = opts_from_text(text, "qom-type", error);

    return opts && object_add(vm, opts, error);
}

static void object_free(struct object *o)
{
    opts_free(o->opts);
    g_free(o->id);
    g_free(o);
}

bool object_del(struct vm *vm, const char *id, GError **error)
{
    struct object *o = object_find(vm, id);

    if (!o) {
        return fail(error, "object '%s' not found", id);
    }
    if (vm->memory_object && strcmp(vm->memory_object, id) == 0) {
        return fail(error, "object '%s' is in use, can not be deleted", id);
    }
    g_ptr_array_remove(vm->objects, o);
    object_free(o);
    return true;
}

void objects_free(struct vm *vm)
{
    for (guint i = 0; i < vm->objects->len; i++) {
        object_free(vm->objects->pdata[i]);
    }
    g_ptr_array_free(vm->objects, TRUE);
}

/* --- memory --- */

/* A file of at least that size; a folder gets a file without a name. */
static bool memory_file(struct ram_source *src, const char *path, uint64_t size,
                        GError **error)
{
    struct stat st;
    int fd;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    } else {
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    }
    if (fd < 0) {
        return fail_errno(error, "mem-path=%s", path);
    }
    if (fstat(fd, &st) < 0 ||
        (S_ISREG(st.st_mode) && (uint64_t)st.st_size < size &&
         ftruncate(fd, (off_t)size) < 0)) {
        fail_errno(error, "mem-path=%s: %" G_GUINT64_FORMAT " bytes", path,
                   size);
        close(fd);
        return false;
    }
    if (S_ISREG(st.st_mode) && st.st_size && (uint64_t)st.st_size < size) {
        fail(error,
             "mem-path=%s: the file holds %" G_GINT64_FORMAT
             " bytes, memory has %" G_GUINT64_FORMAT,
             path, (gint64)st.st_size, size);
        close(fd);
        return false;
    }
    src->fd = fd;
    return true;
}

bool object_memory(struct vm *vm, const char *id, GError **error)
{
    struct machine *m = &vm->machine;
    struct ram_source *src = &m->ram_source;
    struct object *o = object_find(vm, id);
    uint64_t size = 0;
    bool share = false;

    if (!o || !o->type->is_memory) {
        return fail(error,
                    "memory-backend=%s: there is no memory object of "
                    "that name",
                    id);
    }
    if (!opts_get_size(o->opts, "size", 1, &size, error) ||
        !opts_get_bool(o->opts, "share", &share, error) ||
        !opts_get_bool(o->opts, "prealloc", &src->prealloc, error)) {
        return false;
    }
    if (vm->config->memory && size != m->ram_size) {
        return fail(error,
                    "memory-backend=%s has %" G_GUINT64_FORMAT
                    " bytes, -m says %" G_GUINT64_FORMAT,
                    id, size, m->ram_size);
    }
    if (size < MIB || size & (RAM_PAGE - 1)) {
        return fail(error,
                    "memory-backend=%s: size=%" G_GUINT64_FORMAT
                    ": want 1 MiB or more, in whole pages",
                    id, size);
    }
    m->ram_size = size;
    vm->memory_object = o->id;
    if (strcmp(o->type->name, "memory-backend-file") == 0) {
        src->backing = share ? RAM_FILE : RAM_FILE_PRIVATE;
        return memory_file(src, opts_get(o->opts, "mem-path"), size, error);
    }
    if (share || strcmp(o->type->name, "memory-backend-memfd") == 0) {
        src->backing = RAM_MEMFD;
    }
    return true;
}

/* --- help --- */

char *object_help(const char *type, GError **error)
{
    GString *s = g_string_new(NULL);
    const struct object_type *t = type ? type_find(type, error) : NULL;
    g_auto(GStrv) props = t ? g_strsplit(t->props, ",", -1) : NULL;

    if (type && !t) {
        g_string_free(s, TRUE);
        return NULL;
    }
    if (!t) {
        g_string_append(s, "List of user creatable objects:\n");
        for (size_t i = 0; object_types[i].name; i++) {
            g_string_append_printf(s, "  %s\n", object_types[i].name);
        }
        return g_string_free(s, FALSE);
    }
    g_string_append_printf(s, "%s options:\n", type);
    for (char **p = props; *p && **p; p++) {
        const char *colon = strchr(*p, ':');

        g_string_append_printf(s, "  %.*s=<%s>\n", (int)(colon - *p), *p,
                               colon + 1);
    }
    return g_string_free(s, FALSE);
}
