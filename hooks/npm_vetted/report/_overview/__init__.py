"""``review``: what a change brings, in each format; discovered automatically, one module each."""

from __future__ import annotations

from typing import Protocol, cast

from npm_vetted._plugins import import_part
from npm_vetted.report import Style
from npm_vetted.review.overview import ChangeOverview


class OverviewFormat(Protocol):
    """The interface of each other module of this package; the format has the module's name."""

    def render_overview(self, found: ChangeOverview, style: Style) -> str:
        """The overview as a text to print."""


def overview_text(name: str, found: ChangeOverview, style: Style) -> str:
    """The overview in one format."""
    return cast("OverviewFormat", import_part(f"{__name__}.{name}")).render_overview(found, style)
