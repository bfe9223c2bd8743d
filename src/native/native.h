/* What the parts of the extension share. Each part says in its file what it owns. */

#ifndef UPBIT_STREAM_NATIVE_H
#define UPBIT_STREAM_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <structmember.h>

/* The ids of received trades, as the receiving path sees them: a base for session/ledger.py. */
typedef struct {
    PyObject_HEAD
    PyObject *newer; /* dict of id to code: what is received is noted here */
    PyObject *older; /* dict: what was received shortly before */
} Seen;

/* What can be told of a message from its first bytes. */
typedef struct {
    const char *kind;
    Py_ssize_t kind_length;
    const char *code;
    Py_ssize_t code_length;
    int64_t trade_id; /* 0: it names none */
} Head;

extern PyTypeObject Seen_Type, Route_Type, Lane_Type, Inbox_Type, Rows_Type;

/* scan.c; the text ends with a NUL that does not count. 1, or 0 where only a whole parser can tell. `is_whole`: the text
 * is JSON to its end; otherwise it may be looked at only as far as is needed. */
int scan_head(const char *text, Py_ssize_t length, int is_simple, int is_whole, Head *head);

/* The same for the type alone, where it is the first key. */
int scan_kind(const char *text, int is_simple, Head *head);

/* Each: -1, and an exception is set, or 0. */
int lane_ready(void);
int inbox_ready(void);

#endif
