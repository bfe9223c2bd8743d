"""The recorder: raw messages into one JSON Lines file per stream, whole lines only, and an account of what is missing.

`names` decides where a stream goes, `line` what a row looks like, `file` keeps one file whole, `pool` keeps
the number of open files within bounds, `recorder` puts them together, `summary` counts,
and `reading` reads a recording back. `gaps` is the form of ``gaps.jsonl`` and `gap_log` its author. `resume` tells
where a recording left off: `backwards` reads its files from their ends, `rows` what it needs of a row, `recent` how
far back.

Knows nothing of sockets, clocks or the command line: the caller hands in messages and events and says when to flush.
"""

from upbit_stream.record.gaps import GapRow, read_gaps
from upbit_stream.record.reading import read_recording
from upbit_stream.record.recorder import Recorder
from upbit_stream.record.summary import GapCount, StreamCount, Summary

__all__ = ["GapCount", "GapRow", "Recorder", "StreamCount", "Summary", "read_gaps", "read_recording"]
