/* The buffer of one consumer, and the next message for it.
 *
 * The same as flow/inbox.py says in Python. What is won here: taking a message that lies in the buffer makes no
 * coroutine, and putting one makes no call into Python unless somebody has to be woken or held back.
 *
 * Owns the ring. Knows nothing of policies but when to ask for them.
 */

#include "native.h"

typedef struct {
    PyObject_HEAD
    PyObject **ring;
    Py_ssize_t capacity; /* a power of two */
    Py_ssize_t first;
    Py_ssize_t size;
    Py_ssize_t limit;
    PyObject *latest;   /* dict: the newest of each type and code */
    Py_ssize_t dropped;
    Py_ssize_t extra; /* of what lies in the buffer: that which does not count for the limit */
    char drops;        /* at the limit the oldest goes; otherwise reading is held back */
    char is_plain;     /* what comes next is what lies in the buffer */
    char is_sleeping;  /* the consumer waits to be woken */
    char is_holding;   /* reading is held back */
    PyObject *waiter;  /* the future of the consumer that sleeps, or NULL */
    char is_closed;    /* no more will come */
    char counts_drops; /* nobody has to be told of one more drop */
} Inbox;

static PyObject *name_type, *name_code, *name_count_drop;
static PyObject *get_running_loop, *name_create_future, *name_await;
static PyObject *name_wake, *name_hold_back, *name_drop_oldest, *name_next;

static int grow(Inbox *self)
{
    Py_ssize_t place, capacity = self->capacity ? 2 * self->capacity : 64;
    PyObject **ring = PyMem_Malloc(capacity * sizeof(PyObject *));
    if (ring == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (place = 0; place < self->size; place++)
        ring[place] = self->ring[(self->first + place) & (self->capacity - 1)];
    PyMem_Free(self->ring);
    self->ring = ring;
    self->capacity = capacity;
    self->first = 0;
    return 0;
}

static int push(Inbox *self, PyObject *item)
{
    if (self->size == self->capacity && grow(self) < 0)
        return -1;
    self->ring[(self->first + self->size++) & (self->capacity - 1)] = Py_NewRef(item);
    return 0;
}

static PyObject *pop(Inbox *self)
{
    PyObject *item = self->ring[self->first];
    self->first = (self->first + 1) & (self->capacity - 1);
    if (--self->size == 0 && self->capacity > 4096) { /* a flood is over */
        PyMem_Free(self->ring);
        self->ring = NULL;
        self->capacity = self->first = 0;
    }
    return item;
}

static int ask(Inbox *self, PyObject *name)
{
    PyObject *result = PyObject_CallMethodNoArgs((PyObject *)self, name);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

static int drop_oldest(Inbox *self)
{
    if (!self->counts_drops || self->extra || self->size == 0)
        return ask(self, name_drop_oldest);
    self->dropped++;
    Py_DECREF(pop(self));
    return 0;
}

static PyObject *inbox_put(Inbox *self, PyObject *message)
{
    if (self->drops && self->size - self->extra >= self->limit && drop_oldest(self) < 0)
        return NULL;
    if (push(self, message) < 0)
        return NULL;
    if (self->is_sleeping) {
        self->is_sleeping = 0;
        if (ask(self, name_wake) < 0)
            return NULL;
    }
    /* Also where the consumer is awake: it runs only after all that the socket has is read. */
    if (!self->drops && self->size >= self->limit && !self->is_holding && ask(self, name_hold_back) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *inbox_put_latest(Inbox *self, PyObject *message)
{
    PyObject *kind = PyObject_GetAttr(message, name_type), *code = NULL, *key = NULL, *latest = NULL;
    int status = -1;
    if (kind == NULL || (code = PyObject_GetAttr(message, name_code)) == NULL ||
        (key = PyTuple_Pack(2, kind, code)) == NULL)
        goto done;
    latest = Py_NewRef(self->latest);
    status = PyDict_Contains(latest, key);
    if (status > 0) {
        if (self->counts_drops) {
            self->dropped++;
            status = 0;
        }
        else
            status = ask(self, name_count_drop);
    }
    /* A key that is there keeps its turn: a busy market must not wait for ever. */
    if (status == 0)
        status = PyDict_SetItem(latest, key, message);
    if (status == 0 && self->is_sleeping) {
        self->is_sleeping = 0;
        status = ask(self, name_wake);
    }
done:
    Py_XDECREF(kind);
    Py_XDECREF(code);
    Py_XDECREF(key);
    Py_XDECREF(latest);
    if (status < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *inbox_append(Inbox *self, PyObject *item)
{
    if (push(self, item) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *inbox_appendleft(Inbox *self, PyObject *item)
{
    if (self->size == self->capacity && grow(self) < 0)
        return NULL;
    self->first = (self->first - 1) & (self->capacity - 1);
    self->ring[self->first] = Py_NewRef(item);
    self->size++;
    Py_RETURN_NONE;
}

static PyObject *inbox_popleft(Inbox *self, PyObject *unused)
{
    if (self->size == 0) {
        PyErr_SetString(PyExc_IndexError, "the inbox is empty");
        return NULL;
    }
    return pop(self);
}

/* What lies there is taken away first: letting an object go may run code that puts something. */
static void let_all_go(Inbox *self)
{
    PyObject **ring = self->ring;
    Py_ssize_t place, first = self->first, size = self->size, mask = self->capacity - 1;
    self->ring = NULL;
    self->capacity = self->first = self->size = 0;
    for (place = 0; place < size; place++)
        Py_DECREF(ring[(first + place) & mask]);
    PyMem_Free(ring);
}

static PyObject *inbox_empty(Inbox *self, PyObject *unused)
{
    let_all_go(self);
    Py_RETURN_NONE;
}

/* ---- what `await` waits for ----
 *
 * Nothing is taken from the buffer before it is awaited: who gives up in between, as a time-out does, loses nothing.
 */

typedef struct {
    PyObject_HEAD
    Inbox *inbox;
    PyObject *wait; /* the iterator of the future that tells of the next message, while it is waited for */
    PyObject *rest; /* the coroutine of `_next`, once there is more to it than that */
} Next;

static int is_used_up(Next *self)
{
    if (self->inbox == NULL && self->rest == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited anext()");
        return 1;
    }
    return 0;
}

static int begin_rest(Next *self)
{
    PyObject *rest = PyObject_CallMethodNoArgs((PyObject *)self->inbox, name_next);
    if (rest == NULL)
        return -1;
    Py_XSETREF(self->rest, rest);
    Py_CLEAR(self->inbox);
    return 0;
}

/* Nothing is there, and nothing but a message is to be waited for. */
static int is_just_empty(Inbox *inbox)
{
    return inbox->size == 0 && inbox->is_plain && !inbox->is_holding && !inbox->is_closed && inbox->waiter == NULL &&
           PyDict_GET_SIZE(inbox->latest) == 0;
}

static int begin_wait(Next *self)
{
    PyObject *loop = PyObject_CallNoArgs(get_running_loop), *waiter;
    waiter = loop == NULL ? NULL : PyObject_CallMethodNoArgs(loop, name_create_future);
    Py_XDECREF(loop);
    if (waiter == NULL)
        return -1;
    self->wait = PyObject_CallMethodNoArgs(waiter, name_await);
    if (self->wait == NULL) {
        Py_DECREF(waiter);
        return -1;
    }
    Py_XSETREF(self->inbox->waiter, waiter);
    self->inbox->is_sleeping = 1;
    return 0;
}

static void end_wait(Next *self)
{
    Py_CLEAR(self->wait);
    Py_CLEAR(self->inbox->waiter);
    self->inbox->is_sleeping = 0;
}

static PySendResult next_send(PyObject *op, PyObject *value, PyObject **result)
{
    Next *self = (Next *)op;
    *result = NULL;
    if (self->rest != NULL)
        return PyIter_Send(self->rest, value, result);
    if (is_used_up(self))
        return PYGEN_ERROR;
    if (self->wait == NULL) {
        if (value != Py_None) {
            PyErr_SetString(PyExc_TypeError, "can't send non-None value to a just-started coroutine");
            return PYGEN_ERROR;
        }
        if (is_just_empty(self->inbox) && begin_wait(self) < 0)
            return PYGEN_ERROR;
    }
    if (self->wait != NULL) {
        PySendResult outcome = PyIter_Send(self->wait, value, result);
        if (outcome == PYGEN_NEXT)
            return outcome;
        end_wait(self);
        Py_CLEAR(*result);
        if (outcome == PYGEN_ERROR) {
            Py_CLEAR(self->inbox);
            return outcome;
        }
    }
    if (self->inbox->size && self->inbox->is_plain) {
        *result = pop(self->inbox);
        Py_CLEAR(self->inbox);
        return PYGEN_RETURN;
    }
    if (begin_rest(self) < 0)
        return PYGEN_ERROR;
    return PyIter_Send(self->rest, Py_None, result);
}

/* The same for who does not know of am_send. */
static PyObject *next_step(PyObject *self, PyObject *value)
{
    PyObject *result, *stop;
    PySendResult outcome = next_send(self, value, &result);
    if (outcome != PYGEN_RETURN)
        return result;
    stop = PyObject_CallOneArg(PyExc_StopIteration, result); /* made here: a tuple would be taken apart otherwise */
    Py_DECREF(result);
    if (stop != NULL) {
        PyErr_SetObject(PyExc_StopIteration, stop);
        Py_DECREF(stop);
    }
    return NULL;
}

static PyObject *next_next(PyObject *self) { return next_step(self, Py_None); }

/* The coroutine knows all that may be asked of one, also before it has begun. */
static PyObject *next_throw(PyObject *op, PyObject *args)
{
    Next *self = (Next *)op;
    PyObject *throw, *result, *into;
    if (self->rest == NULL && self->wait == NULL && (is_used_up(self) || begin_rest(self) < 0))
        return NULL;
    into = Py_NewRef(self->wait != NULL ? self->wait : self->rest);
    throw = PyObject_GetAttrString(into, "throw");
    result = throw == NULL ? NULL : PyObject_CallObject(throw, args);
    Py_XDECREF(throw);
    Py_DECREF(into);
    if (self->wait != NULL && result == NULL) { /* a future that is waited for passes on what is thrown */
        end_wait(self);
        Py_CLEAR(self->inbox);
    }
    return result;
}

static PyObject *next_close(PyObject *op, PyObject *unused)
{
    Next *self = (Next *)op;
    if (self->wait != NULL)
        end_wait(self);
    Py_CLEAR(self->inbox);
    if (self->rest != NULL)
        return PyObject_CallMethod(self->rest, "close", NULL);
    Py_RETURN_NONE;
}

static int next_traverse(Next *self, visitproc visit, void *arg)
{
    Py_VISIT(self->inbox);
    Py_VISIT(self->wait);
    Py_VISIT(self->rest);
    return 0;
}

static int next_clear(Next *self)
{
    if (self->wait != NULL && self->inbox != NULL)
        end_wait(self);
    Py_CLEAR(self->wait);
    Py_CLEAR(self->inbox);
    Py_CLEAR(self->rest);
    return 0;
}

static void next_dealloc(Next *self)
{
    PyObject_GC_UnTrack(self);
    next_clear(self);
    PyObject_GC_Del(self);
}

static PyMethodDef next_methods[] = {
    {"send", next_step, METH_O, NULL},
    {"throw", next_throw, METH_VARARGS, NULL},
    {"close", next_close, METH_NOARGS, NULL},
    {NULL},
};

static PyAsyncMethods next_async = {.am_await = PyObject_SelfIter, .am_send = next_send};

static PyTypeObject Next_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "upbit_stream._native.Next",
    .tp_basicsize = sizeof(Next),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)next_dealloc,
    .tp_traverse = (traverseproc)next_traverse,
    .tp_clear = (inquiry)next_clear,
    .tp_as_async = &next_async,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = next_next,
    .tp_methods = next_methods,
};

static PyObject *inbox_anext(PyObject *self)
{
    Next *next = PyObject_GC_New(Next, &Next_Type);
    if (next == NULL)
        return NULL;
    next->inbox = (Inbox *)Py_NewRef(self);
    next->rest = next->wait = NULL;
    PyObject_GC_Track(next);
    return (PyObject *)next;
}

/* ---- the type ---- */

static PyObject *inbox_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Inbox *self = (Inbox *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->limit = PY_SSIZE_T_MAX;
        self->is_plain = 1;
        self->latest = PyDict_New();
        if (self->latest == NULL)
            Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static int inbox_init(Inbox *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"limit", "drops", NULL};
    PyObject *limit;
    Py_ssize_t number;
    int drops = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|p", names, &limit, &drops))
        return -1;
    number = PyNumber_AsSsize_t(limit, NULL); /* more than memory can hold is as good as the most */
    if (number == -1 && PyErr_Occurred())
        return -1;
    self->limit = number;
    self->drops = (char)drops;
    return 0;
}

static int inbox_traverse(Inbox *self, visitproc visit, void *arg)
{
    Py_ssize_t place;
    for (place = 0; place < self->size; place++)
        Py_VISIT(self->ring[(self->first + place) & (self->capacity - 1)]);
    Py_VISIT(self->latest);
    Py_VISIT(self->waiter);
    return 0;
}

static int inbox_clear(Inbox *self)
{
    let_all_go(self);
    PyDict_Clear(self->latest);
    Py_CLEAR(self->waiter);
    return 0;
}

static void inbox_dealloc(Inbox *self)
{
    PyObject_GC_UnTrack(self);
    let_all_go(self);
    Py_CLEAR(self->latest);
    Py_CLEAR(self->waiter);
    PyMem_Free(self->ring);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *inbox_get_waiting(Inbox *self, void *closure) { return PyLong_FromSsize_t(self->size); }

static PyGetSetDef inbox_getset[] = {
    {"waiting", (getter)inbox_get_waiting, NULL, "how many lie in the buffer", NULL},
    {NULL},
};

static PyMemberDef inbox_members[] = {
    {"limit", T_PYSSIZET, offsetof(Inbox, limit), 0, NULL},
    {"latest", T_OBJECT, offsetof(Inbox, latest), READONLY, NULL},
    {"dropped", T_PYSSIZET, offsetof(Inbox, dropped), 0, NULL},
    {"waiter", T_OBJECT, offsetof(Inbox, waiter), 0, NULL},
    {"is_closed", T_BOOL, offsetof(Inbox, is_closed), 0, NULL},
    {"counts_drops", T_BOOL, offsetof(Inbox, counts_drops), 0, NULL},
    {"extra", T_PYSSIZET, offsetof(Inbox, extra), 0, NULL},
    {"is_plain", T_BOOL, offsetof(Inbox, is_plain), 0, NULL},
    {"is_sleeping", T_BOOL, offsetof(Inbox, is_sleeping), 0, NULL},
    {"is_holding", T_BOOL, offsetof(Inbox, is_holding), 0, NULL},
    {NULL},
};

static PyMethodDef inbox_methods[] = {
    {"put", (PyCFunction)inbox_put, METH_O, "A message for the consumer."},
    {"put_latest", (PyCFunction)inbox_put_latest, METH_O, "A message that supersedes the one before."},
    {"append", (PyCFunction)inbox_append, METH_O, "Something more, whatever the limit."},
    {"appendleft", (PyCFunction)inbox_appendleft, METH_O, "Something that comes before all."},
    {"popleft", (PyCFunction)inbox_popleft, METH_NOARGS, "The oldest."},
    {"empty", (PyCFunction)inbox_empty, METH_NOARGS, "Forget all."},
    {NULL},
};

static PyAsyncMethods inbox_async = {.am_aiter = PyObject_SelfIter, .am_anext = inbox_anext};

PyTypeObject Inbox_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "upbit_stream._native.Inbox",
    .tp_basicsize = sizeof(Inbox),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = inbox_new,
    .tp_init = (initproc)inbox_init,
    .tp_dealloc = (destructor)inbox_dealloc,
    .tp_traverse = (traverseproc)inbox_traverse,
    .tp_clear = (inquiry)inbox_clear,
    .tp_as_async = &inbox_async,
    .tp_getset = inbox_getset,
    .tp_members = inbox_members,
    .tp_methods = inbox_methods,
};

int inbox_ready(void)
{
    name_wake = PyUnicode_InternFromString("_wake");
    name_hold_back = PyUnicode_InternFromString("_hold_back");
    name_drop_oldest = PyUnicode_InternFromString("_drop_oldest");
    name_next = PyUnicode_InternFromString("_next");
    PyObject *asyncio = PyImport_ImportModule("asyncio");
    get_running_loop = asyncio == NULL ? NULL : PyObject_GetAttrString(asyncio, "get_running_loop");
    Py_XDECREF(asyncio);
    name_create_future = PyUnicode_InternFromString("create_future");
    name_await = PyUnicode_InternFromString("__await__");
    if (!get_running_loop || !name_create_future || !name_await)
        return -1;
    name_type = PyUnicode_InternFromString("type");
    name_code = PyUnicode_InternFromString("code");
    name_count_drop = PyUnicode_InternFromString("_count_drop");
    if (!name_type || !name_code || !name_count_drop)
        return -1;
    if (!name_wake || !name_hold_back || !name_drop_oldest || !name_next)
        return -1;
    return PyType_Ready(&Next_Type);
}
