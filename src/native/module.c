/* upbit_stream._native: what the profile says a call into Python is too dear for.
 *
 * Each type has a twin in Python, which is the explanation of it and runs where there was no compiler.
 */

#include "native.h"

static PyObject *scan(PyObject *module, PyObject *args)
{
    Py_buffer text;
    int is_simple;
    Head head;
    PyObject *found = NULL;
    if (!PyArg_ParseTuple(args, "y*p", &text, &is_simple))
        return NULL;
    if (scan_head(text.buf, text.len, is_simple, &head))
        found = Py_BuildValue("y#y#L", head.kind, head.kind_length, head.code, head.code_length, head.trade_id);
    else
        found = Py_NewRef(Py_None);
    PyBuffer_Release(&text);
    return found;
}

static PyMethodDef methods[] = {
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
