/* The way of nearly every message: decoded, stamped, told apart, delivered.
 *
 * The same as flow/lane.py says in Python, which is what runs where this extension could not be built; the tests run
 * both on the same input. What is won here: the class of a decoded twin is set without the checks of `__class__`, which
 * were made once for the pair of classes; the stamp goes into its slot; codes are one object each, so the ids that are
 * kept do not keep a string each.
 *
 * What consumers, taps and guards are is not known here: whatever calls them holds what it needs afterwards, and looks
 * anew at what they may have changed.
 *
 * Owns the order of the steps. Knows nothing of what consumers do.
 */

#include "native.h"
#include <string.h>
#include <time.h>

enum { DIRECT, RAW_FIRST, ATTENTIVE };

/* What an attribute says; one that the garbage collector took is not there any more. */
static PyObject *given(PyObject *value)
{
    if (value == NULL)
        PyErr_SetString(PyExc_AttributeError, "it is being thrown away");
    return Py_XNewRef(value);
}

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

static PyObject *seen_get_new(Seen *self, void *closure) { return given(self->newer); }
static PyObject *seen_get_old(Seen *self, void *closure) { return given(self->older); }
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
    Py_ssize_t stream_offset;
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

/* Whether CPython sets `__class__` of an instance of one to the other: it is asked once for the pair. */
static int can_become(PyTypeObject *decoded, PyTypeObject *public)
{
    PyObject *instance;
    int status;
    /* Where there is a dict CPython does more than to set the class. */
    if (!PyType_HasFeature(decoded, Py_TPFLAGS_HEAPTYPE) || decoded->tp_dictoffset != 0 || decoded->tp_itemsize != 0)
        return 0;
    instance = decoded->tp_alloc(decoded, 0);
    status = instance == NULL ? -1 : PyObject_SetAttrString(instance, "__class__", (PyObject *)public);
    Py_XDECREF(instance);
    if (status < 0 && PyErr_ExceptionMatches(PyExc_TypeError))
        PyErr_Clear();
    return status == 0 && !PyErr_Occurred();
}

static PyObject *route_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"kind", "decoded", "public", "last", "seen", "finish", "guard", NULL};
    PyObject *kind, *decoded, *public, *last, *seen = Py_None, *finish = Py_None, *guard = Py_None;
    Route *self;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "UO!O!O!|OOO", names, &kind, &PyType_Type, &decoded, &PyType_Type,
                                     &public, &PyDict_Type, &last, &seen, &finish, &guard))
        return NULL;
    if (PyUnicode_AsUTF8(kind) == NULL)
        return NULL;
    if (seen != Py_None && !PyObject_TypeCheck(seen, &Seen_Type)) {
        PyErr_SetString(PyExc_TypeError, "seen is a Seen, or None");
        return NULL;
    }
    self = (Route *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->kind = Py_NewRef(kind);
    self->decoded = (PyTypeObject *)Py_NewRef(decoded);
    self->public = (PyTypeObject *)Py_NewRef(public);
    self->last = Py_NewRef(last);
    self->seen = Py_NewRef(seen);
    self->finish = Py_NewRef(finish);
    self->guard = Py_NewRef(guard);
    self->consumers = PyTuple_New(0);
    self->lazy = PyTuple_New(0);
    self->stamp_offset = slot_of(self->decoded, "received_at_ns");
    self->code_offset = slot_of(self->decoded, "code");
    self->id_offset = seen == Py_None ? -1 : slot_of(self->decoded, "sequential_id");
    self->stream_offset = slot_of(self->decoded, "stream_type");
    self->units_offset = slot_of(self->decoded, "orderbook_units");
    if (self->stamp_offset < 0 || (seen != Py_None && (self->id_offset < 0 || self->code_offset < 0)) ||
        !can_become(self->decoded, self->public)) {
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_TypeError, "%R cannot become %R", decoded, public);
        Py_CLEAR(self);
    }
    else if (self->consumers == NULL || self->lazy == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int route_traverse(Route *self, visitproc visit, void *arg)
{
    Py_VISIT(self->kind);
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

static PyObject *route_get_consumers(Route *self, void *closure) { return given(self->consumers); }
static PyObject *route_get_lazy(Route *self, void *closure) { return given(self->lazy); }
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
    .tp_new = route_new,
    .tp_dealloc = (destructor)route_dealloc,
    .tp_traverse = (traverseproc)route_traverse,
    .tp_clear = (inquiry)route_clear,
    .tp_getset = route_getset,
    .tp_members = route_members,
};

/* ---- Lane ---- */

/* What type and code turned out to mean. */
typedef struct {
    uint64_t hash;
    char *text; /* type and code, without anything between */
    Py_ssize_t length;
    Py_ssize_t kind_length;
    PyObject *code;
    Route *route;   /* the lane's own */
    PyObject *puts; /* tuple: what each tap takes these messages with, or None; NULL until it is asked */
} Label;

enum { FEW_LABELS = 256, MOST_LABELS = 16384 }; /* powers of two; an exchange has fewer than the most, of all types */

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *decode;
    PyObject *unreadable; /* tuple of exceptions */
    PyObject *time_ns;
    PyObject *attentively;
    PyObject *consumer_failed;
    PyObject *tap_failed;
    PyObject *raw_message;
    PyObject *raw_units;
    PyObject *sinks; /* tuple: one for each tap, or None */
    PyObject *taps;  /* tuple */
    PyObject *codes; /* dict: each code as one object */
    Route **routes;  /* the busiest first */
    Py_ssize_t routes_count;
    Label *labels; /* a hash table, never more than half full */
    Py_ssize_t labels_capacity;
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

/* The exception that is set, which is set no more. New reference. */
static PyObject *raised(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *kind, *error, *trace;
    PyErr_Fetch(&kind, &error, &trace);
    PyErr_NormalizeException(&kind, &error, &trace);
    if (trace != NULL)
        PyException_SetTraceback(error, trace);
    Py_XDECREF(kind);
    Py_XDECREF(trace);
    return error;
#endif
}

/* An Exception is told to `failed`, with the consumer that raised it where one is named; anything else comes out. */
static int tell(PyObject *failed, PyObject *consumer)
{
    PyObject *error, *told;
    if (!PyErr_ExceptionMatches(PyExc_Exception))
        return -1;
    error = raised();
    told = consumer == NULL ? PyObject_CallOneArg(failed, error)
                            : PyObject_CallFunctionObjArgs(failed, consumer, error, NULL);
    Py_DECREF(error);
    Py_XDECREF(told);
    return told == NULL ? -1 : 0;
}

/* Calls what takes one message. An Exception that it raises is told to `failed`; anything else comes out. */
static int hand_over(PyObject *consumer, PyObject *message, PyObject *failed, int names_consumer)
{
    PyObject *result = PyObject_CallOneArg(consumer, message);
    if (result == NULL)
        return tell(failed, names_consumer ? consumer : NULL);
    Py_DECREF(result);
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
    if (PyDict_GET_SIZE(self->codes) >= MOST_LABELS)
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

/* The value of a slot; NULL and an exception where there is none. Borrowed. */
static PyObject *slot(PyObject *message, Py_ssize_t offset)
{
    PyObject *value = SLOT(message, offset);
    if (value == NULL)
        PyErr_SetString(PyExc_AttributeError, "a decoded message lacks a field");
    return value;
}

/* Stamps a decoded twin and completes it. Its code, or "": a new reference; NULL: an exception is set. */
static PyObject *settle(Lane *self, Route *route, PyObject *message, PyObject *now)
{
    PyObject *code = no_code;
    Py_INCREF(now);
    Py_XSETREF(SLOT(message, route->stamp_offset), now);
    if (route->finish != Py_None) {
        PyObject *finished = PyObject_CallOneArg(route->finish, message);
        if (finished == NULL)
            return NULL;
        Py_DECREF(finished);
    }
    if (route->code_offset >= 0) {
        if ((code = slot(message, route->code_offset)) == NULL || (code = one_code(self, code)) == NULL)
            return NULL;
        Py_INCREF(code);
        Py_SETREF(SLOT(message, route->code_offset), code);
        return code;
    }
    return Py_NewRef(code);
}

/* 1: the guard refuses it, so it counts as a copy; 0; -1: an exception is set. */
static int refuses(Route *route, PyObject *message)
{
    PyObject *answer;
    int is_refused;
    if (route->guard == Py_None)
        return 0;
    answer = PyObject_CallOneArg(route->guard, message);
    is_refused = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    return is_refused;
}

/* Makes the public message of a twin and gives it to the consumers. */
static int deliver(Lane *self, Route *route, PyObject *message)
{
    if (Py_TYPE(message) != route->decoded) {
        PyErr_SetString(PyExc_TypeError, "the class of a decoded message was changed");
        return -1;
    }
    Py_INCREF(route->public);
    Py_SET_TYPE(message, route->public);
    Py_DECREF(route->decoded); /* what the instance held */
    return hand_to_all(route->consumers, message, self->consumer_failed, 1);
}

static int settle_and_deliver(Lane *self, PyObject *message, PyObject *now)
{
    Route *route = route_by_class(self, Py_TYPE(message));
    PyObject *code, *id;
    int is_new;
    if (route == NULL)
        return -1;
    route->count++;
    code = settle(self, route, message, now);
    if (code == NULL)
        return -1;
    is_new = refuses(route, message);
    if (is_new >= 0)
        is_new = !is_new;
    if (is_new == 1) {
        if (route->id_offset < 0)
            is_new = PyDict_SetItem(route->last, code, now) < 0 ? -1 : 1;
        else if ((id = slot(message, route->id_offset)) == NULL)
            is_new = -1;
        else
            is_new = note_trade((Seen *)route->seen, id, code);
    }
    Py_DECREF(code);
    if (is_new < 0)
        return -1;
    if (is_new)
        return deliver(self, route, message);
    route->copies++;
    return 0;
}

static int attend(Lane *self, PyObject *payload)
{
    PyObject *result = PyObject_CallOneArg(self->attentively, payload);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* What `decode` makes. NULL where it raises: then `status` is what has become of the payload. `is_whole`: every byte of
 * the payload has to be JSON.
 */
static PyObject *decoded_or_attended(Lane *self, PyObject *payload, int is_whole, int *status)
{
    PyObject *decoded = is_whole ? PyObject_CallOneArg(self->decode, payload) : decode_payload(self, payload);
    *status = 0;
    if (decoded == NULL) {
        *status = -1;
        if (PyErr_ExceptionMatches(self->unreadable)) {
            PyErr_Clear();
            *status = attend(self, payload);
        }
    }
    return decoded;
}

static int directly(Lane *self, PyObject *payload)
{
    int status;
    PyObject *now, *decoded = decoded_or_attended(self, payload, 0, &status);
    if (decoded == NULL)
        return status;
    now = now_of(self);
    if (now == NULL)
        status = -1;
    else if (PyList_CheckExact(decoded)) {
        Py_ssize_t place;
        for (place = 0; place < PyList_GET_SIZE(decoded) && status == 0; place++) {
            PyObject *message = Py_NewRef(PyList_GET_ITEM(decoded, place));
            status = settle_and_deliver(self, message, now);
            Py_DECREF(message);
        }
    }
    else
        status = settle_and_deliver(self, decoded, now);
    Py_XDECREF(now);
    Py_DECREF(decoded);
    return status;
}

/* ---- where somebody takes the bytes ---- */

static void forget_labels(Lane *self)
{
    Label *labels = self->labels;
    Py_ssize_t place, capacity = self->labels_capacity;
    self->labels = NULL;
    self->labels_capacity = self->labels_count = 0;
    for (place = 0; place < capacity; place++) {
        PyMem_Free(labels[place].text);
        Py_XDECREF(labels[place].code);
        Py_XDECREF(labels[place].puts);
    }
    PyMem_Free(labels);
}

/* Room for one label more, so that the table stays half empty. */
static int make_room_for_label(Lane *self)
{
    Py_ssize_t place, at, capacity = self->labels_capacity ? 2 * self->labels_capacity : 2 * FEW_LABELS;
    Label *labels;
    if (self->labels_count < self->labels_capacity / 2)
        return 0;
    if (self->labels_count >= MOST_LABELS) { /* of codes that nobody has heard of: begin anew */
        forget_labels(self);
        capacity = 2 * FEW_LABELS;
    }
    labels = PyMem_Calloc(capacity, sizeof(Label));
    if (labels == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (place = 0; place < self->labels_capacity; place++) {
        if (self->labels[place].text == NULL)
            continue;
        for (at = self->labels[place].hash & (capacity - 1); labels[at].text != NULL;)
            at = (at + 1) & (capacity - 1);
        labels[at] = self->labels[place];
    }
    PyMem_Free(self->labels);
    self->labels = labels;
    self->labels_capacity = capacity;
    return 0;
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

/* The label of a head, new where there is none yet. NULL without an exception: its code is no text. */
static Label *label_of(Lane *self, const Head *head, Route *route)
{
    uint64_t hash = 14695981039346656037ULL; /* FNV-1a */
    Py_ssize_t place, length = head->kind_length + head->code_length;
    Label *label;
    PyObject *code, *kept;
    for (place = 0; place < head->code_length; place++)
        hash = (hash ^ (unsigned char)head->code[place]) * 1099511628211ULL;
    for (place = 0; place < head->kind_length; place++)
        hash = (hash ^ (unsigned char)head->kind[place]) * 1099511628211ULL;
    if (make_room_for_label(self) < 0)
        return NULL;
    for (place = hash & (self->labels_capacity - 1);; place = (place + 1) & (self->labels_capacity - 1)) {
        label = &self->labels[place];
        if (label->text == NULL)
            break;
        if (label->hash == hash && label->length == length && label->kind_length == head->kind_length &&
            memcmp(label->text, head->kind, head->kind_length) == 0 &&
            memcmp(label->text + head->kind_length, head->code, head->code_length) == 0)
            return label;
    }
    code = PyUnicode_DecodeUTF8(head->code, head->code_length, NULL);
    if (code == NULL) {
        if (PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
            PyErr_Clear();
        return NULL;
    }
    kept = one_code(self, code);
    Py_DECREF(code);
    if (kept == NULL)
        return NULL;
    label->text = PyMem_Malloc(length);
    if (label->text == NULL) {
        Py_DECREF(kept);
        PyErr_NoMemory();
        return NULL;
    }
    memcpy(label->text, head->kind, head->kind_length);
    memcpy(label->text + head->kind_length, head->code, head->code_length);
    label->hash = hash;
    label->length = length;
    label->kind_length = head->kind_length;
    label->code = kept;
    label->route = route;
    label->puts = NULL;
    self->labels_count++;
    return label;
}

/* Whether an id was received; or is none. */
static int is_known(Seen *seen, PyObject *id)
{
    PyObject *newer = Py_NewRef(seen->newer), *older = Py_NewRef(seen->older);
    int known = PyObject_Not(id);
    if (known == 0)
        known = PyDict_Contains(newer, id);
    if (known == 0)
        known = PyDict_Contains(older, id);
    Py_DECREF(newer);
    Py_DECREF(older);
    return known;
}

/* To the taps, and to those who decode for themselves; it counts as received then. */
static PyObject *raw_of(Lane *self, PyObject *payload, Route *route, PyObject *code, PyObject *now)
{
    PyObject *fields[] = {NULL, payload, route->kind, code, now};
    return PyObject_Vectorcall(self->raw_message, fields + 1, 4 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

/* Ask each tap that can say so what takes the messages of this type and code. New reference: a tuple, or None. */
static PyObject *ask_sinks(Lane *self, PyObject *raw)
{
    PyObject *sinks = Py_NewRef(self->sinks), *puts = PyTuple_New(PyTuple_GET_SIZE(sinks));
    Py_ssize_t place;
    for (place = 0; puts != NULL && place < PyTuple_GET_SIZE(sinks); place++) {
        PyObject *sink = PyTuple_GET_ITEM(sinks, place), *put = Py_NewRef(Py_None);
        if (sink != Py_None) {
            Py_SETREF(put, PyObject_CallOneArg(sink, raw));
            if (put == NULL && tell(self->tap_failed, NULL) == 0)
                put = Py_NewRef(Py_None);
        }
        if (put == NULL)
            Py_CLEAR(puts);
        else
            PyTuple_SET_ITEM(puts, place, put);
    }
    Py_DECREF(sinks);
    return puts;
}

/* What a label is to keep: a new reference to a tuple, or None where taps get raw messages; NULL and an exception. */
static PyObject *puts_of(Lane *self, const Head *head, Route *route, PyObject *payload, PyObject *code, PyObject *now)
{
    PyObject *raw, *puts, *sinks = self->sinks;
    Label *label;
    if (PyTuple_GET_SIZE(sinks) == 0)
        return Py_NewRef(Py_None);
    raw = raw_of(self, payload, route, code, now);
    puts = raw == NULL ? NULL : ask_sinks(self, raw);
    Py_XDECREF(raw);
    if (puts == NULL || self->sinks != sinks || PyTuple_GET_SIZE(puts) != PyTuple_GET_SIZE(self->taps))
        return puts;
    label = label_of(self, head, route); /* the lane may have forgotten its labels meanwhile */
    if (label == NULL)
        Py_CLEAR(puts);
    else
        Py_XSETREF(label->puts, Py_NewRef(puts));
    return puts;
}

static int hand_bytes(PyObject *put, PyObject *payload, PyObject *now, PyObject *failed)
{
    PyObject *both[] = {NULL, payload, now};
    PyObject *done = PyObject_Vectorcall(put, both + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    if (done == NULL)
        return tell(failed, NULL);
    Py_DECREF(done);
    return 0;
}

/* To the taps, and to the consumers that decode for themselves. */
static int give_raw(Lane *self, PyObject *payload, Route *route, PyObject *code, PyObject *id, PyObject *now,
                    PyObject *puts)
{
    PyObject *raw = NULL, *taps = Py_NewRef(self->taps);
    int has_puts = puts != Py_None && PyTuple_GET_SIZE(puts) == PyTuple_GET_SIZE(taps), status = 0;
    Py_ssize_t place;
    for (place = 0; place < PyTuple_GET_SIZE(taps) && status == 0; place++) {
        PyObject *put = has_puts ? PyTuple_GET_ITEM(puts, place) : Py_None;
        if (put != Py_None)
            status = hand_bytes(put, payload, now, self->tap_failed);
        else if (raw == NULL && (raw = raw_of(self, payload, route, code, now)) == NULL)
            status = -1;
        else
            status = hand_over(PyTuple_GET_ITEM(taps, place), raw, self->tap_failed, 0);
    }
    Py_DECREF(taps);
    if (status == 0 && raw == NULL && PyTuple_GET_SIZE(route->lazy) > 0 &&
        (raw = raw_of(self, payload, route, code, now)) == NULL)
        status = -1;
    if (status == 0) {
        route->count++;
        status = id == NULL ? PyDict_SetItem(route->last, code, now)
                            : PyDict_SetItem(((Seen *)route->seen)->newer, id, code);
    }
    if (status == 0 && raw != NULL)
        status = hand_to_all(route->lazy, raw, self->consumer_failed, 1);
    Py_XDECREF(raw);
    return status;
}

static int is_snapshot(Route *route, PyObject *message)
{
    PyObject *stream = route->stream_offset < 0 ? NULL : SLOT(message, route->stream_offset);
    return stream != NULL && PyUnicode_Check(stream) && PyUnicode_CompareWithASCIIString(stream, "SNAPSHOT") == 0;
}

/* For consumers that take decoded messages: decoded before the taps get it, so that they get what is readable. */
static int decoded_first(Lane *self, PyObject *payload, Route *route)
{
    int status, known = 0;
    PyObject *now = NULL, *code = NULL, *id = NULL;
    PyObject *message = decoded_or_attended(self, payload, PyTuple_GET_SIZE(self->taps) > 0, &status);
    if (message == NULL)
        return status;
    status = -1;
    if (Py_TYPE(message) != route->decoded) {
        status = attend(self, payload);
        goto done;
    }
    if ((now = now_of(self)) == NULL || (code = settle(self, route, message, now)) == NULL)
        goto done;
    if (route->id_offset >= 0) {
        if ((id = Py_XNewRef(slot(message, route->id_offset))) == NULL)
            goto done;
        known = is_snapshot(route, message) ? 1 : is_known((Seen *)route->seen, id);
    }
    if (known > 0)
        status = attend(self, payload);
    else if (known == 0) {
        status = give_raw(self, payload, route, code, id, now, Py_None);
        if (status == 0 && PyTuple_GET_SIZE(route->lazy) == 0)
            status = deliver(self, route, message);
    }
done:
    Py_XDECREF(id);
    Py_XDECREF(code);
    Py_XDECREF(now);
    Py_DECREF(message);
    return status;
}

/* For taps alone, or consumers that decode for themselves. */
static int undecoded(Lane *self, PyObject *payload, const Head *head, Route *route)
{
    Label *label = label_of(self, head, route);
    PyObject *now = NULL, *id = NULL, *code, *puts;
    int status = -1, known = 0;
    if (label == NULL)
        return PyErr_Occurred() ? -1 : attend(self, payload);
    code = Py_NewRef(label->code); /* whatever is called may make this lane forget its labels */
    puts = Py_XNewRef(label->puts);
    if (route->id_offset >= 0) {
        if ((id = PyLong_FromLongLong(head->trade_id)) == NULL)
            goto done;
        known = is_known((Seen *)route->seen, id);
    }
    if (known > 0)
        status = attend(self, payload);
    else if (known == 0 && (now = now_of(self)) != NULL) {
        if (puts == NULL)
            puts = puts_of(self, head, route, payload, code, now);
        if (puts != NULL)
            status = give_raw(self, payload, route, code, id, now, puts);
    }
done:
    Py_XDECREF(puts);
    Py_XDECREF(now);
    Py_XDECREF(id);
    Py_DECREF(code);
    return status;
}

static int raw_first(Lane *self, PyObject *payload)
{
    Head head;
    Route *route;
    const char *text;
    int has_taps = PyTuple_GET_SIZE(self->taps) > 0;
    if (!PyBytes_CheckExact(payload))
        return attend(self, payload);
    text = PyBytes_AS_STRING(payload);
    if (*text != '{' || !scan_kind(text, self->is_simple, &head) ||
        (route = route_by_kind(self, head.kind, head.kind_length)) == NULL || route->code_offset < 0 ||
        route->guard != Py_None)
        return attend(self, payload);
    if (PyTuple_GET_SIZE(route->lazy) == 0 && (PyTuple_GET_SIZE(route->consumers) > 0 || !has_taps))
        return decoded_first(self, payload, route);
    /* What a tap gets may be written down as it is, so it has to be whole; who decodes later finds out then. */
    if (!scan_head(text, PyBytes_GET_SIZE(payload), self->is_simple, has_taps, &head))
        return attend(self, payload);
    return undecoded(self, payload, &head, route);
}

static PyObject *lane_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *names)
{
    Lane *self = (Lane *)callable;
    int status;
    if (PyVectorcall_NARGS(nargsf) != 1 || (names != NULL && PyTuple_GET_SIZE(names) != 0)) {
        PyErr_SetString(PyExc_TypeError, "a lane takes one payload");
        return NULL;
    }
    if (self->decode == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "the lane is being thrown away");
        return NULL;
    }
    if (self->mode == DIRECT)
        status = directly(self, args[0]);
    else if (self->mode == RAW_FIRST)
        status = raw_first(self, args[0]);
    else
        status = attend(self, args[0]);
    if (status < 0)
        return NULL;
    Py_RETURN_NONE;
}

static int lane_clear(Lane *self)
{
    Route **routes = self->routes;
    Py_ssize_t place, count = self->routes_count;
    Py_CLEAR(self->decode); /* nothing is received from here on */
    self->routes = NULL;
    self->routes_count = 0;
    forget_labels(self);
    for (place = 0; place < count; place++)
        Py_DECREF(routes[place]);
    PyMem_Free(routes);
    Py_CLEAR(self->unreadable);
    Py_CLEAR(self->time_ns);
    Py_CLEAR(self->attentively);
    Py_CLEAR(self->consumer_failed);
    Py_CLEAR(self->tap_failed);
    Py_CLEAR(self->raw_message);
    Py_CLEAR(self->raw_units);
    Py_CLEAR(self->taps);
    Py_CLEAR(self->sinks);
    Py_CLEAR(self->codes);
    return 0;
}

static PyObject *lane_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"decode", "unreadable", "routes", "time_ns", "attentively",
                            "consumer_failed", "tap_failed", "raw_message", "raw_units", "is_simple", NULL};
    PyObject *decode, *unreadable, *routes, *time_ns, *attentively, *consumer_failed, *tap_failed;
    PyObject *raw_message, *raw_units;
    Lane *self;
    Py_ssize_t place;
    int is_simple;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO!O!OOOOOOp", names, &decode, &PyTuple_Type, &unreadable,
                                     &PyTuple_Type, &routes, &time_ns, &attentively, &consumer_failed, &tap_failed,
                                     &raw_message, &raw_units, &is_simple))
        return NULL;
    for (place = 0; place < PyTuple_GET_SIZE(routes); place++)
        if (!Py_IS_TYPE(PyTuple_GET_ITEM(routes, place), &Route_Type)) {
            PyErr_SetString(PyExc_TypeError, "routes are of Route");
            return NULL;
        }
    self = (Lane *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->call = lane_vectorcall;
    self->taps = PyTuple_New(0);
    self->sinks = PyTuple_New(0);
    self->codes = PyDict_New();
    self->routes = PyMem_Calloc(PyTuple_GET_SIZE(routes) + 1, sizeof(Route *));
    if (self->routes == NULL || self->taps == NULL || self->sinks == NULL || self->codes == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    for (place = 0; place < PyTuple_GET_SIZE(routes); place++)
        self->routes[place] = (Route *)Py_NewRef(PyTuple_GET_ITEM(routes, place));
    self->routes_count = PyTuple_GET_SIZE(routes);
    self->decode = Py_NewRef(decode);
    self->unreadable = Py_NewRef(unreadable);
    self->time_ns = Py_NewRef(time_ns);
    self->attentively = Py_NewRef(attentively);
    self->consumer_failed = Py_NewRef(consumer_failed);
    self->tap_failed = Py_NewRef(tap_failed);
    self->raw_message = Py_NewRef(raw_message);
    self->raw_units = Py_NewRef(raw_units);
    self->is_simple = is_simple;
    self->asks_system = time_ns == system_time_ns;
    self->mode = DIRECT;
    return (PyObject *)self;
}

static int lane_traverse(Lane *self, visitproc visit, void *arg)
{
    Py_ssize_t place;
    for (place = 0; place < self->routes_count; place++)
        Py_VISIT(self->routes[place]);
    Py_VISIT(self->decode);
    Py_VISIT(self->unreadable);
    Py_VISIT(self->time_ns);
    Py_VISIT(self->attentively);
    Py_VISIT(self->consumer_failed);
    Py_VISIT(self->tap_failed);
    Py_VISIT(self->raw_message);
    Py_VISIT(self->raw_units);
    Py_VISIT(self->taps);
    Py_VISIT(self->sinks);
    for (place = 0; place < self->labels_capacity; place++)
        Py_VISIT(self->labels[place].puts);
    Py_VISIT(self->codes);
    return 0;
}

static void lane_dealloc(Lane *self)
{
    PyObject_GC_UnTrack(self);
    lane_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *lane_get_sinks(Lane *self, void *closure) { return given(self->sinks); }

static int lane_set_sinks(Lane *self, PyObject *value, void *closure)
{
    forget_labels(self); /* they keep what the sinks said */
    return set_tuple(&self->sinks, value);
}

static PyObject *lane_get_taps(Lane *self, void *closure) { return given(self->taps); }
static int lane_set_taps(Lane *self, PyObject *value, void *closure) { return set_tuple(&self->taps, value); }

static PyGetSetDef lane_getset[] = {
    {"sinks", (getter)lane_get_sinks, (setter)lane_set_sinks, "for each tap: what says what takes a type and code", NULL},
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
