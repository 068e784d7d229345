/* SPDX-License-Identifier: MIT */
/*
 * JSON on a wire: cuts a stream of bytes into values, and prints values the
 * way QMP clients are used to.
 *
 * Besides JSON, strings in 'single quotes' are understood. A control
 * character in a string, and the bytes fe and ff anywhere, end a broken value:
 * clients use them to get in step again.
 */
#ifndef VM_QMP_JSON_H
#define VM_QMP_JSON_H

#include <json-glib/json-glib.h>

#include "base/error.h"

enum { JSON_DEPTH_MAX = 1024, JSON_TEXT_MAX = 8 * 1024 * 1024 };

enum json_state {
    JSON_OUTSIDE,
    JSON_INSIDE,
    JSON_STRING,
    JSON_ESCAPE,
    JSON_WORD, /* what is no object or list, up to a space or one of those */
    JSON_SKIP, /* after a value that was too much: up to the next line */
};

struct json_stream {
    GString *text; /* of the value so far */
    enum json_state state;
    unsigned depth;
    char quote;
};

enum json_found {
    JSON_FOUND_MORE,  /* all bytes are taken, no value is complete */
    JSON_FOUND_VALUE, /* text is a whole value: json_stream_take() it */
    JSON_FOUND_BAD,   /* *error says why; the stream goes on behind it */
};

void json_stream_init(struct json_stream *s);
void json_stream_clear(struct json_stream *s);
void json_stream_reset(struct json_stream *s);
/* Takes bytes until something is found; *used: how many, which may be none
 * where a value begins behind what is bad. */
enum json_found json_stream_feed(struct json_stream *s, const char *p,
                                 size_t len, size_t *used, GError **error);
/* The value that was found, and ready for the next. */
JsonNode *json_stream_take(struct json_stream *s, GError **error);

/* {"a": 1, "b": [true, null]}, members in the order they were set. */
void json_print(JsonNode *node, GString *out);

#endif
