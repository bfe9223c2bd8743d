"""An orderly end on a signal, and a quick one on the second.

Owns the signals of the process while a command runs. Must not know what ends.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_log = logging.getLogger(__name__)

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ending_signals() -> Iterator[asyncio.Event]:
    """An event that is set on the first SIGINT, SIGTERM or SIGHUP. Enter it in a running event loop.

    From then on SIGINT and SIGTERM kill at once, as they do by default, so an end that hangs can be ended:
    the shell sees 130 and 143. SIGHUP is ignored then: a closing terminal sends it along with the others.

        with ending_signals() as ending:
            await ending.wait()
    """
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def end(number: signal.Signals) -> None:
        if ending.is_set():
            return
        ending.set()
        for each in _SIGNALS:
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_IGN if each is signal.SIGHUP else signal.SIG_DFL)
        _log.info("%s: ending", number.name)

    for number in _SIGNALS:
        loop.add_signal_handler(number, end, number)
    try:
        yield ending
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
            if not ending.is_set():
                signal.signal(number, before[number])
