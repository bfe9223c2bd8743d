"""A recorder as a user has it: ``python -m tests.cli.recording_program BASE_URL DIRECTORY OPTIONS TYPE:CODE...``

OPTIONS is a JSON object of arguments of `Stream`. SIGINT or SIGTERM ends it.
"""

import asyncio
import json
import logging
import sys
from pathlib import Path

from upbit_stream import Stream
from upbit_stream.cli.connections import Connections
from upbit_stream.cli.recording import record_until
from upbit_stream.cli.signals import ending_signals
from upbit_stream.model.subscription import Subscription
from upbit_stream.record import Recorder


async def main(base_url: str, directory: str, options: str, *streams: str) -> None:
    stream = Stream(base_url=base_url, **json.loads(options))
    subscriptions = [Subscription.parse(text) for text in streams]
    with ending_signals() as ending, Recorder(Path(directory)) as recorder:
        await record_until(
            ending,
            stream,
            recorder,
            subscriptions,
            Connections(),
            duration_s=None,
            on_tick=lambda: None,
            tick_s=0.2,
        )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run(main(*sys.argv[1:]))
