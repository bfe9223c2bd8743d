"""The figures as a picture, for README: what a message costs, on a logarithmic scale. Owns the drawing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.machine import described

Json = dict[str, Any]

_OURS, _BASE, _PEERS = "#1f5fa8", "#7a7a7a", "#c9772b"
_INK = "#1b1b1b"
_WIDTH_IN = 9.0  # drawn at 100 dots an inch and shown at README's width
_BAR_IN = 0.34
_MAIN = "A"


def draw(result: Json, stem: Path) -> list[Path]:
    """Draw ``stem``.png and ``stem``.svg; the files that were made: none where nothing was measured."""
    loads = {name: measured(load) for name, load in result["loads"].items()}
    loads = {name: stacks for name, stacks in loads.items() if stacks}
    if not loads:
        return []
    from matplotlib.figure import Figure  # noqa: PLC0415  # only the environment of the benchmark has it

    main = _MAIN if _MAIN in loads else next(iter(loads))
    others = [name for name in loads if name != main]
    heights = [len(loads[main]), *([_rows(loads, others)] if others else [])]
    figure = Figure(figsize=(_WIDTH_IN, _BAR_IN * sum(heights) + 1.1 * len(heights) + 0.15), layout="constrained")
    figure.get_layout_engine().set(rect=(0, 0.015, 1, 0.985))
    figure.set_facecolor("white")
    panels = figure.subplots(len(heights), 1, gridspec_kw={"height_ratios": heights}, squeeze=False)[:, 0]
    _bars(panels[0], result["loads"][main]["title"], main, loads[main])
    if others:
        _points(panels[1], {name: loads[name] for name in others}, result["loads"])
    figure.text(0.99, 0.002, described(result["machine"]), ha="right", va="bottom", fontsize=7, color=_BASE)
    made = [stem.with_suffix(".png"), stem.with_suffix(".svg")]
    for path in made:
        figure.savefig(path, dpi=150, metadata=None if path.suffix == ".png" else {"Date": None})
    return made


def measured(load: Json) -> dict[str, Json]:
    """The stacks that have figures, the cheapest first."""
    found = {name: one for name, one in load["stacks"].items() if "cpu_us" in one}
    return dict(sorted(found.items(), key=lambda item: item[1]["cpu_us"]["median"]))


def colour(name: str) -> str:
    """Ours, what we are measured against, and the others."""
    if name.startswith("ours_"):
        return _OURS
    return _BASE if name.startswith(("picows", "floor")) else _PEERS


def _bars(panel: Any, title: str, load: str, stacks: Mapping[str, Json]) -> None:
    costs = [one["cpu_us"] for one in stacks.values()]
    middles = [cost["median"] for cost in costs]
    spread = [[cost["median"] - cost["min"] for cost in costs], [cost["max"] - cost["median"] for cost in costs]]
    places = range(len(stacks))
    panel.barh(
        places,
        middles,
        xerr=spread,
        color=[colour(name) for name in stacks],
        height=0.7,
        error_kw={"lw": 1, "ecolor": _INK},
    )
    panel.set_yticks(places, [one["title"] for one in stacks.values()])
    for place, cost in zip(places, costs, strict=True):
        panel.annotate(
            f"{cost['median']:.2f}",
            (cost["max"], place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=_INK,
        )
    _dress(panel, f"Load {load}: {title}", middles)


def _rows(loads: Mapping[str, Mapping[str, Json]], others: list[str]) -> int:
    return len({name for load in others for name in loads[load]})


def _points(panel: Any, loads: Mapping[str, Mapping[str, Json]], told: Mapping[str, Json]) -> None:
    """The other loads in one panel: a mark for each, on the line of its stack."""
    titles = {name: one["title"] for stacks in loads.values() for name, one in stacks.items()}
    last = {name: max(s[name]["cpu_us"]["median"] for s in loads.values() if name in s) for name in titles}
    order = sorted(titles, key=last.__getitem__)
    for mark, (load, stacks) in zip("osD^v", loads.items(), strict=False):
        names = [name for name in order if name in stacks]
        panel.scatter(
            [stacks[name]["cpu_us"]["median"] for name in names],
            [order.index(name) for name in names],
            marker=mark,
            s=34,
            color=[colour(name) for name in names],
            label=f"{load}: {told[load]['title']}",
            zorder=3,
        )
    panel.set_yticks(range(len(order)), [titles[name] for name in order])
    panel.grid(axis="y", color="#e6e6e6")
    panel.legend(loc="upper right", frameon=True, labelcolor=_INK, fontsize=9)
    _dress(panel, "The other loads", [one["cpu_us"]["median"] for s in loads.values() for one in s.values()])


def _dress(panel: Any, title: str, values: list[float]) -> None:
    from matplotlib.ticker import LogLocator, NullLocator  # noqa: PLC0415  # as above

    panel.set_xscale("log")
    panel.set_xlim(min(values) * 0.7, max(values) * 2.2)  # room for the numbers
    panel.invert_yaxis()
    panel.set_axisbelow(True)
    panel.grid(axis="x", color="#dddddd")
    panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.xaxis.set_major_formatter(lambda value, _place: f"{value:g}")
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set_xlabel("CPU µs per message, logarithmic: less is better")
    panel.set_title(title, loc="left", fontsize=11, fontweight="bold", color=_INK)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)
