"""JSON for other programs."""

from __future__ import annotations

from npm_vetted.formats.terminal_text import json_text
from npm_vetted.report import Style
from npm_vetted.review.overview import ChangeOverview
from npm_vetted.review.signals.table import TABLE_VERSION


def render_overview(found: ChangeOverview, style: Style) -> str:  # noqa: ARG001
    """Everything, also the packages that need no attention."""
    attention = set(found.attention)
    return json_text({
        "version": 1,
        "state": found.state,
        "table": TABLE_VERSION,
        "threshold": found.threshold,
        "counts": dict(found.counts),
        "brings": [
            {"package": label or None, "arrival": arrival or None, "counts": dict(counts)}
            for label, arrival, counts in found.brings()
        ],
        "packages": [
            {
                "package": each.name,
                "version": each.version,
                "arrival": each.arrival,
                "from": each.since,
                "direct": each.direct,
                "covered": each.covered,
                "path": each.path,
                "line": each.line,
                "brought-by": list(each.brought_by),
                "attention": each in attention,
                "score": None if each.score is None else each.score.points,
                "complete": each.score is not None and each.score.complete,
                "unseen": list(each.score.unseen) if each.score is not None else [],
                "reasons": [
                    {"code": reason.code, "message": reason.text, "file": reason.path or None,
                     "line": reason.line if reason.path else None}
                    for reason in (each.score.reasons if each.score is not None else ())
                ],
                "unknown": each.why,
            }
            for each in sorted(found.packages, key=lambda each: (-each.points, each.label))
        ],
        "problems": list(found.problems),
    })  # fmt: skip
