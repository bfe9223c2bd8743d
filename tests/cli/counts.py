"""Counts as a recorder has them, and what a console shows of them."""

from pathlib import Path

from upbit_stream.record import GapCount, StreamCount, Summary

S = 1_000_000_000
NOW = 1_795_350_189 * S


def count(type_="trade", code="SGD-BTC", messages=1, newest=NOW, size=100):
    return StreamCount(
        type=type_,
        code=code,
        messages=messages,
        unwritten=0,
        bytes=size,
        first_received_at_ns=NOW - 5 * S,
        newest_received_at_ns=newest,
        path=Path("data") / f"{code}_{type_}.jsonl",
    )


def summary(*streams, malformed=0, cut=0, **gaps):
    return Summary(
        streams=streams,
        malformed=malformed,
        malformed_path=Path("data/malformed.jsonl"),
        cut_bytes=cut,
        gaps=GapCount(**gaps),
    )


def shown(console, renderable):
    console.print(renderable)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]
