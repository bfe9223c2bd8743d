/* Type, code and id of a message, read from its first bytes.
 *
 * Reads the top level of one JSON object in order and stops as soon as it has what it looks for. Whatever is not the
 * plain case (an escape in a wanted string, a list, an id that is no number, a line break) is left to the whole parser: the
 * answer 0 says no more than that.
 *
 * Owns reading a head. Makes no Python object.
 */

#include "native.h"
#include <string.h>

typedef struct {
    const char *at;
    const char *end;
} Cursor;

static inline void skip_space(Cursor *cursor)
{
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t'))
        cursor->at++;
}

static inline int take(Cursor *cursor, char wanted)
{
    skip_space(cursor);
    if (cursor->at >= cursor->end || *cursor->at != wanted)
        return 0;
    cursor->at++;
    return 1;
}

/* A string without escapes; the cursor stands behind its opening quote. */
static inline int plain_string(Cursor *cursor, const char **text, Py_ssize_t *length)
{
    const char *at = cursor->at;
    while (at < cursor->end && *at != '"' && *at != '\\')
        at++;
    if (at >= cursor->end || *at == '\\')
        return 0;
    *text = cursor->at;
    *length = at - cursor->at;
    cursor->at = at + 1;
    return 1;
}

/* Any string; the cursor stands behind its opening quote. */
static int skip_string(Cursor *cursor)
{
    while (cursor->at < cursor->end) {
        char here = *cursor->at++;
        if (here == '"')
            return 1;
        if (here == '\\')
            cursor->at++;
    }
    return 0;
}

static int skip_nested(Cursor *cursor)
{
    Py_ssize_t depth = 0;
    while (cursor->at < cursor->end) {
        char here = *cursor->at++;
        if (here == '{' || here == '[')
            depth++;
        else if (here == '}' || here == ']') {
            if (--depth == 0)
                return 1;
        }
        else if (here == '"' && !skip_string(cursor))
            return 0;
    }
    return 0;
}

static int skip_value(Cursor *cursor)
{
    skip_space(cursor);
    if (cursor->at >= cursor->end)
        return 0;
    if (*cursor->at == '"') {
        cursor->at++;
        return skip_string(cursor);
    }
    if (*cursor->at == '{' || *cursor->at == '[')
        return skip_nested(cursor);
    while (cursor->at < cursor->end && *cursor->at != ',' && *cursor->at != '}')
        cursor->at++;
    return 1;
}

static int whole_number(Cursor *cursor, int64_t *number)
{
    const char *first;
    int64_t value = 0;
    skip_space(cursor);
    first = cursor->at;
    while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9' && cursor->at - first < 18)
        value = value * 10 + (*cursor->at++ - '0');
    if (cursor->at == first || cursor->at >= cursor->end || *first == '0')
        return 0;
    *number = value;
    return *cursor->at == ',' || *cursor->at == '}';
}

static inline int is(const char *text, Py_ssize_t length, const char *name)
{
    return length == (Py_ssize_t)strlen(name) && memcmp(text, name, length) == 0;
}

int scan_head(const char *text, Py_ssize_t length, int is_simple, Head *head)
{
    const char *kind_name = is_simple ? "ty" : "type";
    const char *code_name = is_simple ? "cd" : "code";
    const char *id_name = is_simple ? "sid" : "sequential_id";
    Cursor cursor = {text, text + length};
    int is_trade = 0;

    /* The object ends where the payload does, and is one line. */
    if (length < 2 || text[length - 1] != '}' || memchr(text, '\n', length) || memchr(text, '\r', length))
        return 0;
    memset(head, 0, sizeof *head);
    if (!take(&cursor, '{'))
        return 0;
    for (;;) {
        const char *name;
        Py_ssize_t size;
        if (!take(&cursor, '"') || !plain_string(&cursor, &name, &size) || !take(&cursor, ':'))
            return 0;
        if (head->kind == NULL && is(name, size, kind_name)) {
            if (!take(&cursor, '"') || !plain_string(&cursor, &head->kind, &head->kind_length))
                return 0;
            is_trade = is(head->kind, head->kind_length, "trade");
        }
        else if (head->code == NULL && is(name, size, code_name)) {
            if (!take(&cursor, '"') || !plain_string(&cursor, &head->code, &head->code_length))
                return 0;
        }
        else if (head->trade_id == 0 && is(name, size, id_name)) {
            if (!whole_number(&cursor, &head->trade_id))
                return 0;
        }
        else if (!skip_value(&cursor))
            return 0;
        if (head->kind && head->code && (!is_trade || head->trade_id))
            return head->kind_length > 0 && head->code_length > 0;
        if (!take(&cursor, ','))
            return 0; /* the object ends: some of it is missing */
    }
}
