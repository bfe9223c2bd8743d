"""Whether counts have grown: what was counted beside what is stored.

Owns the slack and the comparison. Pure: knows neither files nor how anything is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

SLACK = 0.05

Verdict = Literal["as stored", "more", "less", "not stored", "not counted", "compared with"]
_FAILED: frozenset[Verdict] = frozenset({"more", "not stored", "not counted"})


@dataclass(frozen=True)
class Finding:
    """One path: instructions a message that were counted, and that were to be expected. None where there are none."""

    path: str
    counted: float | None
    expected: float | None
    verdict: Verdict

    @property
    def change(self) -> float:
        """How much more was counted than expected, 0.05 being 5 %."""
        return self.counted / self.expected - 1 if self.counted and self.expected else 0.0

    @property
    def failed(self) -> bool:
        """Whether the code or the stored counts have to be changed."""
        return self.verdict in _FAILED


@dataclass(frozen=True)
class Judgement:
    """All paths. ``by_ratio`` says why counts were not compared themselves, "" where they were."""

    by_ratio: str
    findings: tuple[Finding, ...]

    def of(self, *verdicts: Verdict) -> list[Finding]:
        """Those with one of these verdicts."""
        return [finding for finding in self.findings if finding.verdict in verdicts]

    @property
    def failed(self) -> bool:
        """Whether any has."""
        return any(finding.failed for finding in self.findings)


def judge(
    stored: Mapping[str, float],
    counted: Mapping[str, float],
    references: Mapping[str, str],
    different: Iterable[str] = (),
    slack: float = SLACK,
) -> Judgement:
    """Compare instructions a message, by path.

    ``references`` names for each path the one that stands for what the code has no power over; a reference is its own.
    Where the surroundings are ``different``, or a reference is not what it was, a path is expected to cost as many
    times its reference as it did.
    """
    moved = [path for path in _moved(stored, counted, references, slack) if path in stored and path in counted]
    reasons = [*different, *(f"{path}: {counted[path]:,.0f} here, {stored[path]:,.0f} stored" for path in moved)]
    findings = []
    for path in dict.fromkeys((*counted, *stored)):
        reference = references.get(path, path)
        if path not in counted:
            findings.append(Finding(path, None, stored[path], "not counted"))
        elif path not in stored or reference not in stored or reference not in counted:
            findings.append(Finding(path, counted[path], None, "not stored"))
        else:
            scale = counted[reference] / stored[reference] if reasons else 1.0
            findings.append(_compared(path, counted[path], stored[path] * scale, slack, reasons, references))
    return Judgement("; ".join(reasons), tuple(findings))


def _moved(
    stored: Mapping[str, float], counted: Mapping[str, float], references: Mapping[str, str], slack: float
) -> list[str]:
    return [
        path
        for path in dict.fromkeys(references.values())
        if path in stored and path in counted and abs(counted[path] / stored[path] - 1) > slack
    ]


def _compared(
    path: str, counted: float, expected: float, slack: float, reasons: list[str], references: Mapping[str, str]
) -> Finding:
    if reasons and references.get(path, path) == path:
        return Finding(path, counted, expected, "compared with")
    change = counted / expected - 1
    verdict: Verdict = "more" if change > slack else "less" if change < -slack else "as stored"
    return Finding(path, counted, expected, verdict)
