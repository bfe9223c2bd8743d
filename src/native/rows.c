/* The rows of one recorded stream that are not in its file yet.
 *
 * The same as record/held.py says in Python. What is won here: a payload becomes a row with one copy, and lets its
 * memory go at once.
 *
 * Owns the bytes. Knows nothing of files.
 */

#include "native.h"
#include <string.h>

typedef struct {
    PyObject_HEAD
    char *text;
    Py_ssize_t size;
    Py_ssize_t capacity;
    Py_ssize_t count;
    int64_t newest_ns;
    PyObject *form;
    PyObject *full;
    Py_ssize_t limit; /* bytes, at which `full` is asked for room */
    int is_plain;
    int lent;
} Rows;

static int is_lent(Rows *self);

#define STAMP ",\"received_at_ns\":"
#define STAMP_SIZE ((Py_ssize_t)sizeof STAMP - 1)
#define MOST_DIGITS 20

static int make_room(Rows *self, Py_ssize_t more)
{
    Py_ssize_t capacity = self->capacity ? self->capacity : 4096;
    char *text;
    if (self->text != NULL && self->capacity - self->size >= more)
        return 0;
    if (more > PY_SSIZE_T_MAX / 4 - self->size) {
        PyErr_NoMemory();
        return -1;
    }
    while (capacity - self->size < more)
        capacity *= 2;
    text = PyMem_Realloc(self->text, capacity);
    if (text == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    self->text = text;
    self->capacity = capacity;
    return 0;
}

static Py_ssize_t write_number(char *at, int64_t number)
{
    char digits[MOST_DIGITS];
    Py_ssize_t length = 0, place;
    do {
        digits[length++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    for (place = 0; place < length; place++)
        at[place] = digits[length - 1 - place];
    return length;
}

/* Whether the row is the payload with one more key and nothing else changed. */
static int is_plain_object(const char *text, Py_ssize_t length)
{
    return length > 2 && text[0] == '{' && text[length - 1] == '}' && text[length - 2] != '{' &&
           text[length - 2] != ' ' && text[length - 2] != '\t' && !memchr(text, '\n', length) &&
           !memchr(text, '\r', length);
}

static int add_plain(Rows *self, const char *payload, Py_ssize_t length, int64_t at_ns)
{
    char *at;
    if (make_room(self, length + STAMP_SIZE + MOST_DIGITS + 2) < 0)
        return -1;
    at = self->text + self->size;
    memcpy(at, payload, length - 1);
    at += length - 1;
    memcpy(at, STAMP, STAMP_SIZE);
    at += STAMP_SIZE;
    at += write_number(at, at_ns);
    *at++ = '}';
    *at++ = '\n';
    self->size = at - self->text;
    return 0;
}

static int add_formed(Rows *self, PyObject *payload, PyObject *at_ns)
{
    PyObject *row = PyObject_CallFunctionObjArgs(self->form, payload, at_ns, NULL);
    int status = -1;
    if (row == NULL)
        return -1;
    if (!PyBytes_Check(row))
        PyErr_SetString(PyExc_TypeError, "a row is bytes");
    else if (!is_lent(self) && make_room(self, PyBytes_GET_SIZE(row)) == 0) {
        memcpy(self->text + self->size, PyBytes_AS_STRING(row), PyBytes_GET_SIZE(row));
        self->size += PyBytes_GET_SIZE(row);
        status = 0;
    }
    Py_DECREF(row);
    return status;
}

static PyObject *rows_put(Rows *self, PyObject *const *args, Py_ssize_t count)
{
    int64_t at_ns;
    int status;
    if (count != 2 || !PyBytes_Check(args[0]) || self->form == NULL) {
        PyErr_SetString(PyExc_TypeError, "put(payload, received_at_ns)");
        return NULL;
    }
    at_ns = PyLong_AsLongLong(args[1]);
    if (at_ns == -1 && PyErr_Occurred())
        return NULL;
    if (self->size >= self->limit) {
        PyObject *done = PyObject_CallNoArgs(self->full);
        if (done == NULL)
            return NULL;
        Py_DECREF(done);
    }
    if (is_lent(self))
        return NULL;
    if (self->is_plain && at_ns >= 0 && is_plain_object(PyBytes_AS_STRING(args[0]), PyBytes_GET_SIZE(args[0])))
        status = add_plain(self, PyBytes_AS_STRING(args[0]), PyBytes_GET_SIZE(args[0]), at_ns);
    else
        status = add_formed(self, args[0], args[1]);
    if (status < 0)
        return NULL;
    self->count++;
    self->newest_ns = at_ns;
    Py_RETURN_NONE;
}

static int rows_init(Rows *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"form", "limit", "full", "is_plain", NULL};
    PyObject *form, *full;
    int is_plain = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OnO|p", names, &form, &self->limit, &full, &is_plain))
        return -1;
    Py_XSETREF(self->form, Py_NewRef(form));
    Py_XSETREF(self->full, Py_NewRef(full));
    self->is_plain = is_plain;
    return 0;
}

static int rows_traverse(Rows *self, visitproc visit, void *arg)
{
    Py_VISIT(self->form);
    Py_VISIT(self->full);
    return 0;
}

static int rows_forget(Rows *self)
{
    Py_CLEAR(self->form);
    Py_CLEAR(self->full);
    return 0;
}

static PyObject *rows_clear(Rows *self, PyObject *unused)
{
    if (is_lent(self))
        return NULL;
    self->size = self->count = 0;
    Py_RETURN_NONE;
}

static PyObject *rows_bytes(Rows *self, PyObject *unused) { return PyBytes_FromStringAndSize(self->text, self->size); }

/* While somebody reads them where they lie, nothing is added and nothing forgotten. */
static int rows_lend(Rows *self, Py_buffer *view, int flags)
{
    if (PyBuffer_FillInfo(view, (PyObject *)self, self->text == NULL ? "" : self->text, self->size, 1, flags) < 0)
        return -1;
    self->lent++;
    return 0;
}

static void rows_take_back(Rows *self, Py_buffer *view) { self->lent--; }

static int is_lent(Rows *self)
{
    if (self->lent)
        PyErr_SetString(PyExc_BufferError, "the rows are being read");
    return self->lent > 0;
}

static PyBufferProcs rows_buffer = {(getbufferproc)rows_lend, (releasebufferproc)rows_take_back};

static PyObject *rows_lent(Rows *self, PyObject *unused) { return PyMemoryView_FromObject((PyObject *)self); }

static Py_ssize_t rows_length(Rows *self) { return self->count; }

static void rows_dealloc(Rows *self)
{
    PyObject_GC_UnTrack(self);
    rows_forget(self);
    PyMem_Free(self->text);
    Py_TYPE(self)->tp_free(self);
}

static PyMethodDef rows_methods[] = {
    {"put", (PyCFunction)(void (*)(void))rows_put, METH_FASTCALL, "Keep the row of a message."},
    {"clear", (PyCFunction)rows_clear, METH_NOARGS, "Forget all; the memory is kept for the next."},
    {"lent", (PyCFunction)rows_lent, METH_NOARGS, "All of them, to be read where they lie."},
    {"__bytes__", (PyCFunction)rows_bytes, METH_NOARGS, "All of them."},
    {NULL},
};

static PyMemberDef rows_members[] = {
    {"limit", T_PYSSIZET, offsetof(Rows, limit), 0, "bytes, at which `full` is asked for room"},
    {"size", T_PYSSIZET, offsetof(Rows, size), READONLY, "bytes"},
    {"newest_ns", T_LONGLONG, offsetof(Rows, newest_ns), READONLY, "the time of the last one"},
    {NULL},
};

static PySequenceMethods rows_sequence = {.sq_length = (lenfunc)rows_length};

PyTypeObject Rows_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "upbit_stream._native.Rows",
    .tp_basicsize = sizeof(Rows),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)rows_init,
    .tp_traverse = (traverseproc)rows_traverse,
    .tp_clear = (inquiry)rows_forget,
    .tp_dealloc = (destructor)rows_dealloc,
    .tp_methods = rows_methods,
    .tp_members = rows_members,
    .tp_as_sequence = &rows_sequence,
    .tp_as_buffer = &rows_buffer,
};
