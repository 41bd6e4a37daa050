"""Write docs/checks.md out of the checks' own words, the ones that ``npm-vetted explain`` prints."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from npm_vetted.checks import Check, checks
from npm_vetted.commands.explain import HEADINGS

PAGE: Final = Path(__file__).parents[1] / "docs" / "checks.md"
CODE: Final = frozenset({"before", "after"})
HEAD: Final = """\
# The checks

What `npm-vetted explain CHECK` prints. `python tools/checks_page.py` writes this page.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(_section(name, check) for name, check in checks().items())])


def _section(name: str, check: Check) -> str:
    parts = [f"## {name}"]
    for field, heading in HEADINGS:
        text: str = getattr(check.EXPLANATION, field)
        body = f"```text\n{text}\n```" if field in CODE else text
        parts.append(body if field == "what" else f"**{heading}**\n\n{body}")
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
