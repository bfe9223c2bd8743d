/* The way of nearly every message: decoded, stamped, told apart, delivered.
 *
 * The same as flow/lane.py says in Python, which is what runs where this extension could not be built; the tests run
 * both on the same input. What is won here: the class of a decoded twin is set without the checks of `__class__`, which
 * were made once for the pair of classes; the stamp goes into its slot; codes are one object each, so the ids that are
 * kept do not keep a string each.
 *
 * Owns the order of the steps. Knows nothing of what consumers do.
 */

#include "native.h"
#include <string.h>
#include <time.h>

enum { DIRECT, RAW_FIRST, ATTENTIVE };

/* ---- Seen ---- */

static int seen_traverse(Seen *self, visitproc visit, void *arg)
{
    Py_VISIT(self->newer);
    Py_VISIT(self->older);
    return 0;
}

static int seen_clear(Seen *self)
{
    Py_CLEAR(self->newer);
    Py_CLEAR(self->older);
    return 0;
}

static void seen_dealloc(Seen *self)
{
    PyObject_GC_UnTrack(self);
    seen_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *seen_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Seen *self = (Seen *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->newer = PyDict_New();
    self->older = PyDict_New();
    if (self->newer == NULL || self->older == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int set_dict(PyObject **place, PyObject *value)
{
    if (value == NULL || !PyDict_CheckExact(value)) {
        PyErr_SetString(PyExc_TypeError, "ids are kept in a dict");
        return -1;
    }
    Py_INCREF(value);
    Py_XSETREF(*place, value);
    return 0;
}

static PyObject *seen_get_new(Seen *self, void *closure) { return Py_NewRef(self->newer); }
static PyObject *seen_get_old(Seen *self, void *closure) { return Py_NewRef(self->older); }
static int seen_set_new(Seen *self, PyObject *value, void *closure) { return set_dict(&self->newer, value); }
static int seen_set_old(Seen *self, PyObject *value, void *closure) { return set_dict(&self->older, value); }

static PyGetSetDef seen_getset[] = {
    {"new", (getter)seen_get_new, (setter)seen_set_new, "ids to codes: the newest", NULL},
    {"old", (getter)seen_get_old, (setter)seen_set_old, "ids to codes: those before", NULL},
    {NULL},
};

PyTypeObject Seen_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "upbit_stream._native.Seen",
    .tp_basicsize = sizeof(Seen),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = seen_new,
    .tp_dealloc = (destructor)seen_dealloc,
    .tp_traverse = (traverseproc)seen_traverse,
    .tp_clear = (inquiry)seen_clear,
    .tp_getset = seen_getset,
};

/* ---- Route ---- */

typedef struct {
    PyObject_HEAD
    PyObject *kind;
    PyTypeObject *decoded;
    PyTypeObject *public;
    PyObject *finish;    /* callable or None */
    PyObject *guard;     /* callable or None */
    PyObject *last;      /* dict of code to time */
    PyObject *seen;      /* Seen or None */
    PyObject *consumers; /* tuple */
    PyObject *lazy;      /* tuple */
    Py_ssize_t count;
    Py_ssize_t copies;
    Py_ssize_t stamp_offset;
    Py_ssize_t code_offset; /* -1: a message without one */
    Py_ssize_t id_offset;   /* -1: told apart by other means */
    Py_ssize_t units_offset;
} Route;

/* Where the slot of a field lies, or -1 without an exception where it has none. */
static Py_ssize_t slot_of(PyTypeObject *type, const char *name)
{
    PyObject *found = PyObject_GetAttrString((PyObject *)type, name);
    Py_ssize_t offset = -1;
    if (found == NULL) {
        PyErr_Clear();
        return -1;
    }
    if (Py_TYPE(found) == &PyMemberDescr_Type) {
        PyMemberDef *member = ((PyMemberDescrObject *)found)->d_member;
        if (member->type == T_OBJECT_EX)
            offset = member->offset;
    }
    Py_DECREF(found);
    return offset;
}

/* What CPython asks before it sets `__class__`, once for the pair. */
static int have_one_layout(PyTypeObject *one, PyTypeObject *other)
{
    return PyType_HasFeature(one, Py_TPFLAGS_HEAPTYPE) && PyType_HasFeature(other, Py_TPFLAGS_HEAPTYPE) &&
           one->tp_basicsize == other->tp_basicsize && one->tp_itemsize == other->tp_itemsize &&
           one->tp_dictoffset == other->tp_dictoffset && one->tp_dealloc == other->tp_dealloc &&
           one->tp_free == other->tp_free && one->tp_base == other->tp_base &&
           PyType_IS_GC(one) == PyType_IS_GC(other) &&
           slot_of(one, "received_at_ns") == slot_of(other, "received_at_ns") &&
           slot_of(one, "code") == slot_of(other, "code") &&
           slot_of(one, "sequential_id") == slot_of(other, "sequential_id");
}

static int route_init(Route *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"kind", "decoded", "public", "last", "seen", "finish", "guard", NULL};
    PyObject *kind, *decoded, *public, *last, *seen = Py_None, *finish = Py_None, *guard = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "UO!O!O!|OOO", names, &kind, &PyType_Type, &decoded, &PyType_Type,
                                     &public, &PyDict_Type, &last, &seen, &finish, &guard))
        return -1;
    if (seen != Py_None && !PyObject_TypeCheck(seen, &Seen_Type)) {
        PyErr_SetString(PyExc_TypeError, "seen is a Seen, or None");
        return -1;
    }
    self->stamp_offset = slot_of((PyTypeObject *)decoded, "received_at_ns");
    self->code_offset = slot_of((PyTypeObject *)decoded, "code");
    self->units_offset = slot_of((PyTypeObject *)decoded, "orderbook_units");
    self->id_offset = seen == Py_None ? -1 : slot_of((PyTypeObject *)decoded, "sequential_id");
    if (self->stamp_offset < 0 || !have_one_layout((PyTypeObject *)decoded, (PyTypeObject *)public) ||
        (seen != Py_None && (self->id_offset < 0 || self->code_offset < 0))) {
        PyErr_Format(PyExc_TypeError, "%R cannot become %R", decoded, public);
        return -1;
    }
    Py_XSETREF(self->kind, Py_NewRef(kind));
    Py_XSETREF(self->decoded, (PyTypeObject *)Py_NewRef(decoded));
    Py_XSETREF(self->public, (PyTypeObject *)Py_NewRef(public));
    Py_XSETREF(self->last, Py_NewRef(last));
    Py_XSETREF(self->seen, Py_NewRef(seen));
    Py_XSETREF(self->finish, Py_NewRef(finish));
    Py_XSETREF(self->guard, Py_NewRef(guard));
    Py_XSETREF(self->consumers, PyTuple_New(0));
    Py_XSETREF(self->lazy, PyTuple_New(0));
    return 0;
}

static int route_traverse(Route *self, visitproc visit, void *arg)
{
    Py_VISIT(self->decoded);
    Py_VISIT(self->public);
    Py_VISIT(self->finish);
    Py_VISIT(self->guard);
    Py_VISIT(self->last);
    Py_VISIT(self->seen);
    Py_VISIT(self->consumers);
    Py_VISIT(self->lazy);
    return 0;
}

static int route_clear(Route *self)
{
    Py_CLEAR(self->kind);
    Py_CLEAR(self->decoded);
    Py_CLEAR(self->public);
    Py_CLEAR(self->finish);
    Py_CLEAR(self->guard);
    Py_CLEAR(self->last);
    Py_CLEAR(self->seen);
    Py_CLEAR(self->consumers);
    Py_CLEAR(self->lazy);
    return 0;
}

static void route_dealloc(Route *self)
{
    PyObject_GC_UnTrack(self);
    route_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static int set_tuple(PyObject **place, PyObject *value)
{
    if (value == NULL || !PyTuple_CheckExact(value)) {
        PyErr_SetString(PyExc_TypeError, "consumers are a tuple");
        return -1;
    }
    Py_INCREF(value);
    Py_XSETREF(*place, value);
    return 0;
}

static PyObject *route_get_consumers(Route *self, void *closure) { return Py_NewRef(self->consumers); }
static PyObject *route_get_lazy(Route *self, void *closure) { return Py_NewRef(self->lazy); }
static int route_set_consumers(Route *self, PyObject *value, void *closure) { return set_tuple(&self->consumers, value); }
static int route_set_lazy(Route *self, PyObject *value, void *closure) { return set_tuple(&self->lazy, value); }

static PyGetSetDef route_getset[] = {
    {"consumers", (getter)route_get_consumers, (setter)route_set_consumers, "who gets the messages", NULL},
    {"lazy", (getter)route_get_lazy, (setter)route_set_lazy, "who takes them undecoded", NULL},
    {NULL},
};

static PyMemberDef route_members[] = {
    {"kind", T_OBJECT, offsetof(Route, kind), READONLY, NULL},
    {"guard", T_OBJECT, offsetof(Route, guard), READONLY, NULL},
    {"count", T_PYSSIZET, offsetof(Route, count), 0, NULL},
    {"copies", T_PYSSIZET, offsetof(Route, copies), 0, NULL},
    {NULL},
};

PyTypeObject Route_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "upbit_stream._native.Route",
    .tp_basicsize = sizeof(Route),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)route_init,
    .tp_dealloc = (destructor)route_dealloc,
    .tp_traverse = (traverseproc)route_traverse,
    .tp_clear = (inquiry)route_clear,
    .tp_getset = route_getset,
    .tp_members = route_members,
};

/* ---- Lane ---- */

/* What the first bytes of a message turned out to mean. */
typedef struct {
    uint64_t hash;
    char *text; /* type and code, without anything between */
    Py_ssize_t length;
    Py_ssize_t kind_length;
    PyObject *code;
    Route *route;
} Label;

#define LABELS 4096 /* a power of two: more types and codes than an exchange has; beyond it the table begins anew */

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *decode;
    PyObject *unreadable; /* tuple of exceptions */
    PyObject *time_ns;
    PyObject *attentively;
    PyObject *undecodable;
    PyObject *consumer_failed;
    PyObject *tap_failed;
    PyObject *raw_message;
    PyObject *raw_units;
    PyObject *taps;  /* tuple */
    PyObject *codes; /* dict: each code as one object */
    Route **routes;  /* the busiest first */
    Py_ssize_t routes_count;
    Label *labels;
    Py_ssize_t labels_count;
    int mode;
    int is_simple;
    int asks_system; /* time_ns is time.time_ns */
} Lane;

static PyObject *system_time_ns; /* time.time_ns */
static PyObject *no_code;        /* "": of a message without one */

static PyObject *now_of(Lane *self)
{
    struct timespec now;
    if (!self->asks_system)
        return PyObject_CallNoArgs(self->time_ns);
    clock_gettime(CLOCK_REALTIME, &now);
    return PyLong_FromLongLong((long long)now.tv_sec * 1000000000LL + now.tv_nsec);
}

/* Calls what takes one message. An Exception that it raises is told to `failed`; anything else comes out. */
static int hand_over(PyObject *consumer, PyObject *message, PyObject *failed, int names_consumer)
{
    PyObject *kind, *error, *trace, *told;
    PyObject *result = PyObject_CallOneArg(consumer, message);
    if (result != NULL) {
        Py_DECREF(result);
        return 0;
    }
    if (!PyErr_ExceptionMatches(PyExc_Exception))
        return -1;
    PyErr_Fetch(&kind, &error, &trace);
    PyErr_NormalizeException(&kind, &error, &trace);
    if (trace != NULL)
        PyException_SetTraceback(error, trace);
    told = names_consumer ? PyObject_CallFunctionObjArgs(failed, consumer, error, NULL)
                          : PyObject_CallOneArg(failed, error);
    Py_XDECREF(kind);
    Py_XDECREF(error);
    Py_XDECREF(trace);
    if (told == NULL)
        return -1;
    Py_DECREF(told);
    return 0;
}

static int hand_to_all(PyObject *consumers, PyObject *message, PyObject *failed, int names_consumer)
{
    Py_ssize_t place;
    int status = 0;
    Py_INCREF(consumers); /* a consumer may come or go meanwhile: the tuple is replaced then */
    for (place = 0; place < PyTuple_GET_SIZE(consumers) && status == 0; place++)
        status = hand_over(PyTuple_GET_ITEM(consumers, place), message, failed, names_consumer);
    Py_DECREF(consumers);
    return status;
}

static Route *route_by_class(Lane *self, PyTypeObject *decoded)
{
    Py_ssize_t place;
    for (place = 0; place < self->routes_count; place++) {
        Route *route = self->routes[place];
        if (route->decoded == decoded) {
            if (place > 0) { /* one place nearer: the busy ones come to stand in front */
                self->routes[place] = self->routes[place - 1];
                self->routes[place - 1] = route;
            }
            return route;
        }
    }
    PyErr_Format(PyExc_TypeError, "no route for %R", decoded);
    return NULL;
}

/* Where a class keeps the units of an order book; -1: it has none. */
static Py_ssize_t slot_of_units(Lane *self, PyTypeObject *decoded)
{
    Py_ssize_t place;
    for (place = 0; place < self->routes_count; place++)
        if (self->routes[place]->decoded == decoded)
            return self->routes[place]->units_offset;
    return -1;
}

/* One object for each code. New reference. */
static PyObject *one_code(Lane *self, PyObject *code)
{
    PyObject *kept = PyDict_GetItemWithError(self->codes, code);
    if (kept != NULL)
        return Py_NewRef(kept);
    if (PyErr_Occurred())
        return NULL;
    if (PyDict_GET_SIZE(self->codes) >= LABELS)
        PyDict_Clear(self->codes);
    if (PyDict_SetItem(self->codes, code, code) < 0)
        return NULL;
    return Py_NewRef(code);
}

#define SLOT(message, offset) (*(PyObject **)((char *)(message) + (offset)))

/* 1: noted as received; 0: it was received before; -1: an exception is set. */
static int note_trade(Seen *seen, PyObject *id, PyObject *code)
{
    PyObject *newer = Py_NewRef(seen->newer), *older = Py_NewRef(seen->older);
    int known = PyDict_GET_SIZE(older) ? PyDict_Contains(older, id) : 0;
    int noted = -1;
    if (known == 0) {
        Py_ssize_t before = PyDict_GET_SIZE(newer);
        if (PyDict_SetDefault(newer, id, code) != NULL) {
            noted = PyDict_GET_SIZE(newer) > before;
            known = !noted;
        }
    }
    if (known == 1) { /* perhaps that of another market */
        PyObject *again = PyObject_CallMethod((PyObject *)seen, "add_again", "OO", code, id);
        noted = again == NULL ? -1 : PyObject_IsTrue(again);
        Py_XDECREF(again);
    }
    Py_DECREF(newer);
    Py_DECREF(older);
    return noted;
}

/* ---- decoding ----
 *
 * An order book is nearly all units, and its message keeps them undecoded until somebody asks. So the parser need not
 * walk over them: it gets the message with an empty list in their place, and the message gets their bytes. That they are
 * units is found out where they are asked for, as ever.
 */

#define HEAD_OF_BOOK 512 /* where the units begin, at the latest */

/* From the opening to the closing bracket of the units; 0: there are none to be cut out. */
static int find_units(const char *text, Py_ssize_t length, int is_simple, const char **first, const char **last)
{
    const char *begin = is_simple ? "{\"ty\":\"orderbook\"," : "{\"type\":\"orderbook\",";
    const char *key = is_simple ? ",\"obu\":[{" : ",\"orderbook_units\":[{";
    Py_ssize_t begin_size = strlen(begin), key_size = strlen(key);
    const char *found;
    if (length < HEAD_OF_BOOK || memcmp(text, begin, begin_size) != 0)
        return 0;
    found = memmem(text, HEAD_OF_BOOK, key, key_size);
    if (found == NULL)
        return 0;
    *first = found + key_size - 2;
    /* A level is four numbers: the first bracket closes the list, unless this is something new. */
    *last = memchr(*first, ']', text + length - *first);
    return *last != NULL && (*last)[-1] == '}' && *last + 1 < text + length && ((*last)[1] == ',' || (*last)[1] == '}') &&
           memchr(*first + 1, '[', *last - *first - 1) == NULL;
}

static PyObject *decode_book(Lane *self, const char *text, Py_ssize_t length, const char *first, const char *last)
{
    PyObject *rest, *bytes, *units, *message;
    Py_ssize_t before = first + 1 - text, after = text + length - last;
    Py_ssize_t offset;
    rest = PyBytes_FromStringAndSize(NULL, before + after);
    if (rest == NULL)
        return NULL;
    memcpy(PyBytes_AS_STRING(rest), text, before);
    memcpy(PyBytes_AS_STRING(rest) + before, last, after);
    message = PyObject_CallOneArg(self->decode, rest);
    Py_DECREF(rest);
    if (message == NULL)
        return NULL;
    offset = PyList_CheckExact(message) ? -1 : slot_of_units(self, Py_TYPE(message));
    if (offset < 0) {
        PyErr_SetString(PyExc_SystemError, "an order book without units");
        Py_DECREF(message);
        return NULL;
    }
    bytes = PyBytes_FromStringAndSize(first, last + 1 - first);
    units = bytes == NULL ? NULL : PyObject_CallOneArg(self->raw_units, bytes);
    Py_XDECREF(bytes);
    if (units == NULL) {
        Py_DECREF(message);
        return NULL;
    }
    Py_XSETREF(SLOT(message, offset), units);
    return message;
}

static PyObject *decode_payload(Lane *self, PyObject *payload)
{
    const char *first, *last;
    if (PyBytes_CheckExact(payload) &&
        find_units(PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload), self->is_simple, &first, &last))
        return decode_book(self, PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload), first, last);
    return PyObject_CallOneArg(self->decode, payload);
}

static int raises_unreadable(Lane *self) { return PyErr_ExceptionMatches(self->unreadable); }

/* From a decoded twin to the public message, and on to the consumers. Steals nothing. `is_told_apart`: that was done. */
static int settle_and_deliver(Lane *self, PyObject *message, PyObject *now, int is_told_apart)
{
    PyTypeObject *twin = Py_TYPE(message);
    Route *route = route_by_class(self, twin);
    PyObject *code = NULL;
    if (route == NULL)
        return -1;
    Py_INCREF(now);
    Py_XSETREF(SLOT(message, route->stamp_offset), now);
    if (route->code_offset >= 0 && SLOT(message, route->code_offset) != NULL) {
        code = one_code(self, SLOT(message, route->code_offset));
        if (code == NULL)
            return -1;
        Py_SETREF(SLOT(message, route->code_offset), code);
    }
    if (route->finish != Py_None) {
        PyObject *finished = PyObject_CallOneArg(route->finish, message);
        if (finished == NULL)
            return -1;
        Py_DECREF(finished);
    }
    if (!is_told_apart) {
        route->count++;
        if (route->guard != Py_None) {
            PyObject *answer = PyObject_CallOneArg(route->guard, message);
            int is_refused = answer == NULL ? -1 : PyObject_IsTrue(answer);
            Py_XDECREF(answer);
            if (is_refused < 0)
                return -1;
            if (is_refused) {
                route->copies++;
                return 0;
            }
        }
        if (route->id_offset >= 0) {
            int is_new = note_trade((Seen *)route->seen, SLOT(message, route->id_offset), code);
            if (is_new < 0)
                return -1;
            if (!is_new) {
                route->copies++;
                return 0;
            }
        }
        else if (PyDict_SetItem(route->last, code == NULL ? no_code : code, now) < 0)
            return -1;
    }
    Py_INCREF(route->public);
    Py_SET_TYPE(message, route->public);
    Py_DECREF(twin);
    return hand_to_all(route->consumers, message, self->consumer_failed, 1);
}

static PyObject *directly(Lane *self, PyObject *payload)
{
    PyObject *now, *decoded = decode_payload(self, payload);
    int status = 0;
    if (decoded == NULL) {
        if (!raises_unreadable(self))
            return NULL;
        PyErr_Clear();
        return PyObject_CallOneArg(self->attentively, payload);
    }
    now = now_of(self);
    if (now == NULL)
        status = -1;
    else if (PyList_CheckExact(decoded)) {
        Py_ssize_t place;
        for (place = 0; place < PyList_GET_SIZE(decoded) && status == 0; place++)
            status = settle_and_deliver(self, PyList_GET_ITEM(decoded, place), now, 0);
    }
    else
        status = settle_and_deliver(self, decoded, now, 0);
    Py_XDECREF(now);
    Py_DECREF(decoded);
    if (status < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* ---- where the bytes come before the message ---- */

static void forget_labels(Lane *self)
{
    Py_ssize_t place;
    for (place = 0; self->labels != NULL && place < 2 * LABELS; place++) {
        PyMem_Free(self->labels[place].text);
        Py_CLEAR(self->labels[place].code);
        Py_CLEAR(self->labels[place].route);
    }
    PyMem_Free(self->labels);
    self->labels = NULL;
    self->labels_count = 0;
}

static Route *route_by_kind(Lane *self, const char *kind, Py_ssize_t length)
{
    Py_ssize_t place, size;
    for (place = 0; place < self->routes_count; place++) {
        const char *name = PyUnicode_AsUTF8AndSize(self->routes[place]->kind, &size);
        if (name != NULL && size == length && memcmp(name, kind, length) == 0)
            return self->routes[place];
    }
    return NULL;
}

/* The label of a head; NULL without an exception where there is none: an unknown type, a code that is no text. */
static Label *label_of(Lane *self, const Head *head)
{
    uint64_t hash = 14695981039346656037ULL; /* FNV-1a */
    Py_ssize_t place, length = head->kind_length + head->code_length;
    Label *label;
    Route *route;
    for (place = 0; place < head->code_length; place++)
        hash = (hash ^ (unsigned char)head->code[place]) * 1099511628211ULL;
    for (place = 0; place < head->kind_length; place++)
        hash = (hash ^ (unsigned char)head->kind[place]) * 1099511628211ULL;
    if (self->labels == NULL || self->labels_count >= LABELS) {
        forget_labels(self);
        self->labels = PyMem_Calloc(2 * LABELS, sizeof(Label));
        if (self->labels == NULL)
            return (Label *)PyErr_NoMemory();
    }
    for (place = hash & (2 * LABELS - 1);; place = (place + 1) & (2 * LABELS - 1)) {
        label = &self->labels[place];
        if (label->text == NULL)
            break;
        if (label->hash == hash && label->length == length && label->kind_length == head->kind_length &&
            memcmp(label->text, head->kind, head->kind_length) == 0 &&
            memcmp(label->text + head->kind_length, head->code, head->code_length) == 0)
            return label;
    }
    route = route_by_kind(self, head->kind, head->kind_length);
    if (route == NULL)
        return NULL;
    PyObject *code = PyUnicode_DecodeUTF8(head->code, head->code_length, NULL);
    if (code == NULL) {
        PyErr_Clear();
        return NULL;
    }
    PyObject *kept = one_code(self, code);
    Py_DECREF(code);
    if (kept == NULL)
        return NULL;
    label->text = PyMem_Malloc(length);
    if (label->text == NULL) {
        Py_DECREF(kept);
        return (Label *)PyErr_NoMemory();
    }
    memcpy(label->text, head->kind, head->kind_length);
    memcpy(label->text + head->kind_length, head->code, head->code_length);
    label->hash = hash;
    label->length = length;
    label->kind_length = head->kind_length;
    label->code = kept;
    label->route = (Route *)Py_NewRef(route);
    self->labels_count++;
    return label;
}

static PyObject *raw_of(Lane *self, PyObject *payload, Route *route, PyObject *code, PyObject *now)
{
    PyObject *fields[] = {NULL, payload, route->kind, code, now};
    return PyObject_Vectorcall(self->raw_message, fields + 1, 4 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

static int note_raw(Route *route, PyObject *code, PyObject *id, PyObject *now)
{
    route->count++;
    if (id != NULL)
        return PyDict_SetItem(((Seen *)route->seen)->newer, id, code);
    return PyDict_SetItem(route->last, code, now);
}

/* Decode what the taps have had, and deliver it. */
static int decode_after(Lane *self, PyObject *raw, PyObject *payload, Route *route, PyObject *code, PyObject *id,
                        PyObject *now)
{
    PyObject *message = decode_payload(self, payload);
    int status;
    if (message == NULL) {
        if (!raises_unreadable(self))
            return -1;
        PyErr_Clear();
        PyObject *told = PyObject_CallOneArg(self->undecodable, raw);
        Py_XDECREF(told);
        return told == NULL ? -1 : 0;
    }
    status = note_raw(route, code, id, now);
    if (status == 0)
        status = settle_and_deliver(self, message, now, 1);
    Py_DECREF(message);
    return status;
}

static PyObject *raw_first(Lane *self, PyObject *payload)
{
    Head head;
    Label *label;
    PyObject *now = NULL, *raw = NULL, *id = NULL, *code = NULL;
    Route *route = NULL;
    int status = -1;

    if (!PyBytes_CheckExact(payload) ||
        !scan_head(PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload), self->is_simple, &head))
        return PyObject_CallOneArg(self->attentively, payload);
    label = label_of(self, &head);
    if (label == NULL) {
        if (PyErr_Occurred())
            return NULL;
        return PyObject_CallOneArg(self->attentively, payload);
    }
    if (label->route->guard != Py_None) /* a message that has to be decoded before it is known to be new */
        return PyObject_CallOneArg(self->attentively, payload);
    /* A consumer may make this lane forget its labels. */
    route = (Route *)Py_NewRef(label->route);
    code = Py_NewRef(label->code);
    if (route->seen != Py_None) {
        Seen *seen = (Seen *)route->seen;
        int known;
        id = PyLong_FromLongLong(head.trade_id);
        if (id == NULL)
            goto done;
        known = PyDict_Contains(seen->newer, id);
        if (known == 0)
            known = PyDict_Contains(seen->older, id);
        if (known < 0)
            goto done;
        if (known) {
            PyObject *told = PyObject_CallOneArg(self->attentively, payload);
            status = told == NULL ? -1 : 0;
            Py_XDECREF(told);
            goto done;
        }
    }
    now = now_of(self);
    if (now == NULL || (raw = raw_of(self, payload, route, code, now)) == NULL)
        goto done;
    status = hand_to_all(self->taps, raw, self->tap_failed, 0);
    if (status < 0)
        goto done;
    if (PyTuple_GET_SIZE(route->lazy)) {
        status = note_raw(route, code, id, now);
        if (status == 0)
            status = hand_to_all(route->lazy, raw, self->consumer_failed, 1);
    }
    else if (PyTuple_GET_SIZE(route->consumers))
        status = decode_after(self, raw, payload, route, code, id, now);
    else
        status = note_raw(route, code, id, now);
done:
    Py_XDECREF(raw);
    Py_XDECREF(now);
    Py_XDECREF(id);
    Py_XDECREF(code);
    Py_XDECREF(route);
    if (status < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *lane_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *names)
{
    Lane *self = (Lane *)callable;
    if (PyVectorcall_NARGS(nargsf) != 1 || (names != NULL && PyTuple_GET_SIZE(names) != 0)) {
        PyErr_SetString(PyExc_TypeError, "a lane takes one payload");
        return NULL;
    }
    if (self->mode == DIRECT)
        return directly(self, args[0]);
    if (self->mode == RAW_FIRST)
        return raw_first(self, args[0]);
    return PyObject_CallOneArg(self->attentively, args[0]);
}

static int lane_clear(Lane *self)
{
    Py_ssize_t place;
    forget_labels(self);
    for (place = 0; place < self->routes_count; place++)
        Py_CLEAR(self->routes[place]);
    self->routes_count = 0;
    Py_CLEAR(self->decode);
    Py_CLEAR(self->unreadable);
    Py_CLEAR(self->time_ns);
    Py_CLEAR(self->attentively);
    Py_CLEAR(self->undecodable);
    Py_CLEAR(self->consumer_failed);
    Py_CLEAR(self->tap_failed);
    Py_CLEAR(self->raw_message);
    Py_CLEAR(self->raw_units);
    Py_CLEAR(self->taps);
    Py_CLEAR(self->codes);
    return 0;
}

static int lane_init(Lane *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"decode", "unreadable", "routes", "time_ns", "attentively", "undecodable",
                            "consumer_failed", "tap_failed", "raw_message", "raw_units", "is_simple", NULL};
    PyObject *decode, *unreadable, *routes, *time_ns, *attentively, *undecodable, *consumer_failed, *tap_failed;
    PyObject *raw_message, *raw_units;
    Py_ssize_t place;
    int is_simple;
    if (self->decode != NULL) {
        PyErr_SetString(PyExc_TypeError, "a lane is made once");
        return -1;
    }
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO!O!OOOOOOOp", names, &decode, &PyTuple_Type, &unreadable,
                                     &PyTuple_Type, &routes, &time_ns, &attentively, &undecodable, &consumer_failed,
                                     &tap_failed, &raw_message, &raw_units, &is_simple))
        return -1;
    for (place = 0; place < PyTuple_GET_SIZE(routes); place++)
        if (!Py_IS_TYPE(PyTuple_GET_ITEM(routes, place), &Route_Type)) {
            PyErr_SetString(PyExc_TypeError, "routes are of Route");
            return -1;
        }
    self->routes = PyMem_Calloc(PyTuple_GET_SIZE(routes) + 1, sizeof(Route *));
    self->taps = PyTuple_New(0);
    self->codes = PyDict_New();
    if (self->routes == NULL || self->taps == NULL || self->codes == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (place = 0; place < PyTuple_GET_SIZE(routes); place++)
        self->routes[place] = (Route *)Py_NewRef(PyTuple_GET_ITEM(routes, place));
    self->routes_count = PyTuple_GET_SIZE(routes);
    self->decode = Py_NewRef(decode);
    self->unreadable = Py_NewRef(unreadable);
    self->time_ns = Py_NewRef(time_ns);
    self->attentively = Py_NewRef(attentively);
    self->undecodable = Py_NewRef(undecodable);
    self->consumer_failed = Py_NewRef(consumer_failed);
    self->tap_failed = Py_NewRef(tap_failed);
    self->raw_message = Py_NewRef(raw_message);
    self->raw_units = Py_NewRef(raw_units);
    self->is_simple = is_simple;
    self->asks_system = time_ns == system_time_ns;
    self->mode = DIRECT;
    return 0;
}

static PyObject *lane_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Lane *self = (Lane *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->call = lane_vectorcall;
        self->mode = ATTENTIVE;
    }
    return (PyObject *)self;
}

static int lane_traverse(Lane *self, visitproc visit, void *arg)
{
    Py_ssize_t place;
    for (place = 0; place < self->routes_count; place++)
        Py_VISIT(self->routes[place]);
    for (place = 0; self->labels != NULL && place < 2 * LABELS; place++)
        Py_VISIT(self->labels[place].route);
    Py_VISIT(self->decode);
    Py_VISIT(self->unreadable);
    Py_VISIT(self->time_ns);
    Py_VISIT(self->attentively);
    Py_VISIT(self->undecodable);
    Py_VISIT(self->consumer_failed);
    Py_VISIT(self->tap_failed);
    Py_VISIT(self->raw_message);
    Py_VISIT(self->raw_units);
    Py_VISIT(self->taps);
    Py_VISIT(self->codes);
    return 0;
}

static void lane_dealloc(Lane *self)
{
    PyObject_GC_UnTrack(self);
    lane_clear(self);
    PyMem_Free(self->routes);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *lane_get_taps(Lane *self, void *closure) { return Py_NewRef(self->taps); }
static int lane_set_taps(Lane *self, PyObject *value, void *closure) { return set_tuple(&self->taps, value); }

static PyGetSetDef lane_getset[] = {
    {"taps", (getter)lane_get_taps, (setter)lane_set_taps, "who gets the bytes before they are decoded", NULL},
    {NULL},
};

static PyMemberDef lane_members[] = {
    {"mode", T_INT, offsetof(Lane, mode), 0, "DIRECT, RAW_FIRST or ATTENTIVE"},
    {NULL},
};

PyTypeObject Lane_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "upbit_stream._native.Lane",
    .tp_basicsize = sizeof(Lane),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_vectorcall_offset = offsetof(Lane, call),
    .tp_call = PyVectorcall_Call,
    .tp_new = lane_new,
    .tp_init = (initproc)lane_init,
    .tp_dealloc = (destructor)lane_dealloc,
    .tp_traverse = (traverseproc)lane_traverse,
    .tp_clear = (inquiry)lane_clear,
    .tp_getset = lane_getset,
    .tp_members = lane_members,
};

int lane_ready(void)
{
    PyObject *time = PyImport_ImportModule("time");
    if (time == NULL)
        return -1;
    system_time_ns = PyObject_GetAttrString(time, "time_ns");
    Py_DECREF(time);
    no_code = PyUnicode_New(0, 0);
    return system_time_ns == NULL || no_code == NULL ? -1 : 0;
}
