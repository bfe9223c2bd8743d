/* Type, code and id of a message, read without making anything of the rest.
 *
 * The rest is looked at all the same: a recording takes these bytes as they are, so they have to be JSON from the first
 * to the last; of the levels of an order book no more is made sure than that they stay what they are in a row (see
 * past_levels). Whatever is not the plain case (an escape in a wanted string, a key that comes twice, a list, an id that is
 * no plain number, a snapshot of a trade, garbage) is left to a whole parser: the answer 0 says no more than that.
 *
 * Every byte is looked at once and none behind the NUL that follows the text: it is allowed nowhere in JSON, so that it
 * ends each loop here.
 *
 * Owns reading a head. Makes no Python object.
 */

#include "native.h"
#include <string.h>

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define DEEPEST 60 /* of nested values; the exchange has two */

/* What may stand in a string as it is: all but the quote, the backslash and control characters. What is beyond ASCII is
 * left to a whole parser, which knows where it has to be right. */
static const unsigned char is_plain[256] = {
    [' '] = 1, ['!'] = 1, ['#' ... '['] = 1, [']' ... 127] = 1};

static inline int is_digit(char here) { return here >= '0' && here <= '9'; }

static inline int is_hex(char here)
{
    return is_digit(here) || (here >= 'a' && here <= 'f') || (here >= 'A' && here <= 'F');
}

static inline const char *skip_space(const char *at)
{
    while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')
        at++;
    return at;
}

static inline const char *plain_part(const char *at)
{
    while (is_plain[(unsigned char)*at])
        at++;
    return at;
}

/* Each of these takes the place where its kind of value begins (a string: behind the quote) and tells where it ends;
 * NULL: it is none. */

static const char *skip_string(const char *at)
{
    for (;;) {
        at = plain_part(at);
        if (*at == '"')
            return at + 1;
        if (*at++ != '\\')
            return NULL;
        if (*at == 'u') {
            if (!is_hex(at[1]) || !is_hex(at[2]) || !is_hex(at[3]) || !is_hex(at[4]))
                return NULL;
            at += 5;
        }
        else if (*at != 0 && strchr("\"\\/bfnrt", *at))
            at++;
        else
            return NULL;
    }
}

static inline const char *skip_digits(const char *at)
{
    if (!is_digit(*at))
        return NULL;
    while (is_digit(*++at))
        ;
    return at;
}

static inline const char *skip_number(const char *at)
{
    if (*at == '-')
        at++;
    if (*at == '0')
        at++;
    else if ((at = skip_digits(at)) == NULL)
        return NULL;
    if (*at == '.' && (at = skip_digits(at + 1)) == NULL)
        return NULL;
    if (*at == 'e' || *at == 'E') {
        at++;
        if (*at == '+' || *at == '-')
            at++;
        at = skip_digits(at);
    }
    return at;
}

static inline const char *skip_scalar(const char *at)
{
    switch (*at) {
    case '"':
        return skip_string(at + 1);
    case 't':
        return strncmp(at, "true", 4) == 0 ? at + 4 : NULL;
    case 'f':
        return strncmp(at, "false", 5) == 0 ? at + 5 : NULL;
    case 'n':
        return strncmp(at, "null", 4) == 0 ? at + 4 : NULL;
    default:
        return skip_number(at);
    }
}

static const char *skip_value(const char *at)
{
    uint64_t objects = 0; /* of the containers that are open, the inmost lowest: 1 is an object */
    int depth = 0;
value:
    at = skip_space(at);
    if (*at == '{' || *at == '[') {
        if (++depth > DEEPEST)
            return NULL;
        objects = objects << 1 | (*at == '{');
        at = skip_space(at + 1);
        if (*at == (objects & 1 ? '}' : ']'))
            goto end_of_container;
        if (objects & 1)
            goto key;
        goto value;
    }
    if ((at = skip_scalar(at)) == NULL)
        return NULL;
    while (depth > 0) {
        at = skip_space(at);
        if (*at == ',') {
            at++;
            if (objects & 1)
                goto key;
            goto value;
        }
        if (*at != (objects & 1 ? '}' : ']'))
            return NULL;
    end_of_container:
        at++;
        objects >>= 1;
        depth--;
    }
    return at;
key:
    at = skip_space(at);
    if (*at != '"' || (at = skip_string(at + 1)) == NULL)
        return NULL;
    at = skip_space(at);
    if (*at++ != ':')
        return NULL;
    goto value;
}

/* A string without escapes that was not there before; the place is its opening quote. */
static inline const char *take_text(const char *at, const char **text, Py_ssize_t *length)
{
    if (*text != NULL || *at++ != '"')
        return NULL;
    *text = at;
    at = plain_part(at);
    *length = at - *text;
    return *at == '"' && *length > 0 ? at + 1 : NULL;
}

/* A time of at most 18 digits: where one is anything else, the parser does not believe the id either. */
static inline const char *take_time(const char *at)
{
    const char *end = skip_digits(at);
    return end != NULL && end - at <= 18 && (*at != '0' || end - at == 1) ? end : NULL;
}

/* An id above 0 of at most 18 digits. */
static inline const char *take_id(const char *at, int64_t *id)
{
    const char *first = at;
    int64_t value = 0;
    if (*id != 0 || *at == '0')
        return NULL;
    while (is_digit(*at) && at - first < 18)
        value = value * 10 + (*at++ - '0');
    *id = value;
    return value > 0 && !is_digit(*at) && *at != '.' && *at != 'e' && *at != 'E' ? at : NULL;
}

/* Behind the levels of an order book, NULL where they are not what they always were: flat objects of four numbers. They are
 * most of what is recorded, and walking over them would cost more than all the rest; so their characters are counted, which
 * the compiler does sixteen at a time. What is between the braces may still be no number. */
static const char *past_levels(const char *at, const char *end)
{
    const char *last = at[0] == '[' && at[1] == '{' ? memchr(at, ']', end - at) : NULL;
    Py_ssize_t left, place, opened = 0, closed = 0, quotes = 0, colons = 0, commas = 0;
    unsigned char is_odd = 0;
    if (last == NULL || last[-1] != '}')
        return NULL;
    for (at++, left = last - at; left > 0; left -= 240) {
        const unsigned char *some = (const unsigned char *)(last - left);
        unsigned char open = 0, close = 0, quote = 0, colon = 0, comma = 0;
        Py_ssize_t count = left < 240 ? left : 240;
        for (place = 0; place < count; place++) {
            unsigned char here = some[place];
            open += here == '{';
            close += here == '}';
            quote += here == '"';
            colon += here == ':';
            comma += here == ',';
            is_odd |= (here < ' ') | (here > '~') | (here == '\\') | (here == '[');
        }
        opened += open;
        closed += close;
        quotes += quote;
        colons += colon;
        commas += comma;
    }
    return !is_odd && opened == closed && quotes == 8 * opened && colons == 4 * opened && commas == 4 * opened - 1
               ? last + 1
               : NULL;
}

static ALWAYS_INLINE int is(const char *text, Py_ssize_t length, const char *name)
{
    return length == (Py_ssize_t)strlen(name) && memcmp(text, name, strlen(name)) == 0;
}

/* Compiled twice, once for each set of names. */
static ALWAYS_INLINE int scan(const char *text, Py_ssize_t length, const int is_simple, int is_whole, Head *head)
{
    const char *stream = NULL, *at = skip_space(text);
    Py_ssize_t stream_length = 0;
    int is_trade = 0;

    memset(head, 0, sizeof *head);
    if (*at != '{')
        return 0;
    do {
        const char *name;
        Py_ssize_t size;
        at = skip_space(at + 1);
        if (*at != '"')
            return 0;
        name = ++at;
        at = plain_part(at);
        size = at - name;
        if (*at++ != '"')
            return 0;
        at = skip_space(at);
        if (*at++ != ':')
            return 0;
        at = skip_space(at);
        if (is(name, size, is_simple ? "ty" : "type")) {
            at = take_text(at, &head->kind, &head->kind_length);
            is_trade = is(head->kind, head->kind_length, "trade");
        }
        else if (is(name, size, is_simple ? "cd" : "code"))
            at = take_text(at, &head->code, &head->code_length);
        else if (is(name, size, is_simple ? "st" : "stream_type"))
            at = take_text(at, &stream, &stream_length);
        else if (is(name, size, is_simple ? "sid" : "sequential_id"))
            at = take_id(at, &head->trade_id);
        else if (is(name, size, is_simple ? "tms" : "timestamp") || is(name, size, is_simple ? "ttms" : "trade_timestamp"))
            at = take_time(at);
        else if (is(name, size, is_simple ? "obu" : "orderbook_units")) {
            const char *behind = past_levels(at, text + length);
            at = behind != NULL ? behind : skip_value(at);
        }
        else
            at = skip_value(at);
        if (at == NULL)
            return 0;
        if (!is_whole && head->kind != NULL && head->code != NULL && !is_trade)
            return 1;
        at = skip_space(at);
    } while (*at == ',');
    if (*at != '}' || skip_space(at + 1) != text + length || head->kind == NULL || head->code == NULL)
        return 0;
    /* A trade without an id cannot be told apart here, and a snapshot of one may be days old. */
    return !is_trade || (head->trade_id != 0 && !is(stream, stream_length, "SNAPSHOT"));
}

int scan_head(const char *text, Py_ssize_t length, int is_simple, int is_whole, Head *head)
{
    return is_simple ? scan(text, length, 1, is_whole, head) : scan(text, length, 0, is_whole, head);
}

int scan_kind(const char *text, int is_simple, Head *head)
{
    const char *name, *at = skip_space(text);
    memset(head, 0, sizeof *head);
    if (*at != '{' || *(at = skip_space(at + 1)) != '"')
        return 0;
    name = ++at;
    at = plain_part(at);
    if (!is(name, at - name, is_simple ? "ty" : "type") || *at++ != '"' || *(at = skip_space(at)) != ':')
        return 0;
    return take_text(skip_space(at + 1), &head->kind, &head->kind_length) != NULL;
}
