/* upbit_stream._native: what the profile says a call into Python is too dear for.
 *
 * Each type has a twin in Python, which is the explanation of it and runs where there was no compiler.
 */

#include "native.h"
#include <string.h>

static PyObject *scan(PyObject *module, PyObject *args)
{
    PyObject *text; /* bytes: they have a NUL behind them */
    int is_simple, is_whole = 1;
    Head head;
    if (!PyArg_ParseTuple(args, "Sp|p", &text, &is_simple, &is_whole))
        return NULL;
    if (!scan_head(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text), is_simple, is_whole, &head))
        Py_RETURN_NONE;
    return Py_BuildValue("y#y#L", head.kind, head.kind_length, head.code, head.code_length, (long long)head.trade_id);
}

/* What wire/twins.py says in Python: the check of the layout is made for the first, as all are of one class. */
static PyObject *become(PyObject *module, PyObject *args)
{
    PyObject *items;
    PyTypeObject *public, *decoded;
    Py_ssize_t place;
    if (!PyArg_ParseTuple(args, "O!O!", &PyTuple_Type, &items, &PyType_Type, &public))
        return NULL;
    if (PyTuple_GET_SIZE(items) == 0)
        Py_RETURN_NONE;
    decoded = Py_TYPE(PyTuple_GET_ITEM(items, 0));
    Py_INCREF(decoded); /* perhaps nothing but the first held it */
    if (PyObject_SetAttrString(PyTuple_GET_ITEM(items, 0), "__class__", (PyObject *)public) < 0) {
        Py_DECREF(decoded);
        return NULL;
    }
    for (place = 1; place < PyTuple_GET_SIZE(items); place++) {
        PyObject *item = PyTuple_GET_ITEM(items, place);
        if (!Py_IS_TYPE(item, decoded) || decoded->tp_dictoffset != 0) {
            if (PyObject_SetAttrString(item, "__class__", (PyObject *)public) < 0) {
                Py_DECREF(decoded);
                return NULL;
            }
            continue;
        }
        Py_INCREF(public);
        Py_SET_TYPE(item, public);
        Py_DECREF(decoded);
    }
    Py_DECREF(decoded);
    Py_RETURN_NONE;
}

#define FIRST_UNIT 256 /* bytes in which the first unit ends, unless it is none */

/* The first of several flat objects in a list; None where that is not what it looks like. */
static PyObject *first_object(PyObject *module, PyObject *raw)
{
    Py_buffer text;
    PyObject *found = NULL;
    const char *list, *end;
    Py_ssize_t length;
    if (PyObject_GetBuffer(raw, &text, PyBUF_SIMPLE) < 0)
        return NULL;
    list = text.buf;
    length = text.len < FIRST_UNIT ? text.len : FIRST_UNIT;
    end = length > 2 && list[0] == '[' && list[1] == '{' ? memchr(list + 2, '}', length - 2) : NULL;
    if (end != NULL && end + 2 < list + length && end[1] == ',' && end[2] == '{' &&
        memchr(list + 2, '{', end - list - 2) == NULL)
        found = PyBytes_FromStringAndSize(list + 1, end - list);
    else
        found = Py_NewRef(Py_None);
    PyBuffer_Release(&text);
    return found;
}

static PyMethodDef methods[] = {
    {"first_object", first_object, METH_O, "The first of several flat objects in a list, or None."},
    {"become", become, METH_VARARGS, "Set the class of each item of a tuple."},
    {"scan", scan, METH_VARARGS, "Type, code and trade id of a payload; None where only a whole parser can tell."},
    {NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "upbit_stream._native", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit__native(void)
{
    PyObject *module;
    PyTypeObject *types[] = {&Seen_Type, &Route_Type, &Lane_Type, &Inbox_Type, &Rows_Type};
    size_t place;
    if (lane_ready() < 0 || inbox_ready() < 0)
        return NULL;
    module = PyModule_Create(&definition);
    for (place = 0; module != NULL && place < sizeof types / sizeof *types; place++)
        if (PyModule_AddType(module, types[place]) < 0)
            Py_CLEAR(module);
    return module;
}
