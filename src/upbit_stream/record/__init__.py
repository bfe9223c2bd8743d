"""The recorder: raw messages into one JSON Lines file per stream, whole lines only.

`names` decides where a stream goes, `line` what a row looks like, `file` keeps one file whole, `pool` keeps
the number of open files within bounds, `recorder` puts them together, `summary` counts,
and `reading` reads a recording back.

Knows nothing of sockets, clocks or the command line: the caller hands in messages and says when to flush.
"""

from upbit_stream.record.reading import read_recording
from upbit_stream.record.recorder import Recorder
from upbit_stream.record.summary import StreamCount, Summary

__all__ = ["Recorder", "StreamCount", "Summary", "read_recording"]
