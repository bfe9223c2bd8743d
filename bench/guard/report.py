"""What a person reads of a judgement.

Owns the sentences. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from bench.guard.judging import SLACK, Finding, Judgement

ACCEPT = "make bench-guard ARGS=--update"


def table(counted: Mapping[str, float]) -> list[str]:
    """Instructions a message by path, a line each."""
    return ["instructions a message:", *(f"  {path:<27}{count:>9,.0f}" for path, count in counted.items())]


def report(judgement: Judgement, variant: str) -> list[str]:
    """All of it, a line each."""
    lines = [f"instructions a message, the hot path in {variant}:"]
    lines += [_line(finding) for finding in judgement.findings]
    if judgement.by_ratio:
        lines += [
            "The same code may take other counts here than where the stored ones come from. So each path is judged by",
            f"how many times msgspec alone it takes, in this run and in the stored one ({judgement.by_ratio}).",
        ]
    grown = judgement.of("more")
    lines += [
        f"FAILED: {had.path} takes {had.change:.1%} more instructions than are stored; {SLACK:.0%} are allowed"
        for had in grown
    ]
    if grown:
        lines.append(f"If that has its reason, accept it: {ACCEPT}")
    if away := judgement.of("not stored", "not counted"):
        lines.append(f"FAILED: what is stored is not what is counted ({_names(away)}). Store it: {ACCEPT}")
    if gained := judgement.of("less"):
        lines.append(f"Fewer than stored ({_names(gained)}). So that it stays so, store the gain: {ACCEPT}")
    return lines


def _names(findings: list[Finding]) -> str:
    return "; ".join(finding.path for finding in findings)


def _line(finding: Finding) -> str:
    counted = "" if finding.counted is None else f"{finding.counted:,.0f}"
    expected = "" if finding.expected is None else f"{finding.expected:,.0f}"
    change = f"{finding.change:+.1%}" if counted and expected else ""
    return f"  {finding.path:<27}{counted:>9} of {expected:>9}{change:>9}  {finding.verdict}"
