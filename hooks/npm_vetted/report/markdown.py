"""``--format markdown``: for a pull request comment or a step summary, cut below their limits."""

from __future__ import annotations

import re
from typing import Final, TextIO

from npm_vetted.checks._runner import CheckResult
from npm_vetted.formats.terminal_text import printable
from npm_vetted.model import Finding
from npm_vetted.projects.change import Change
from npm_vetted.report import Style
from npm_vetted.report._blocks import one_each
from npm_vetted.report._shared import by_danger, fix_of, fix_of_all, label_of, page_of
from npm_vetted.report.text import summary

_LIMIT: Final = 60_000
"""Characters; a comment on GitHub holds 65,536."""
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~-])")


def print_result(result: CheckResult, change: Change | None, style: Style, out: TextIO) -> None:
    """Print a heading, one item for each group of findings, and how many more there are."""
    lines = [
        "### npm-vetted",
        "",
        escaped(summary(result, change).removeprefix("npm-vetted: ")),
        "",
    ]
    command = fix_of_all(result.findings, change, style)
    if command is not None:
        lines += [f"One command for all that is not vetted:\n```\n{command}\n```", ""]
    size = sum(map(len, lines))
    groups = one_each(by_danger(result.findings))
    for at, family in enumerate(groups):
        item = _item(family, style)
        if size + len(item) > _LIMIT:
            left = sum(len(each) for each in groups[at:])
            lines.append(f"- and {left} more: `npm-vetted check` shows them")
            break
        lines.append(item)
        size += len(item)
    print("\n".join(lines), file=out)


def escaped(text: str) -> str:
    """Text as text: a name or a message never becomes markup, a link or a mention."""
    plain = printable(text).replace("\n", " ").replace("@", "@\u200b")
    return _SPECIAL.sub(r"\\\1", plain)


def _item(family: list[Finding], style: Style) -> str:
    first = family[0]
    where = f"{printable(first.location.path)}:{first.location.line}".replace("`", "'")
    rest = f" (and {len(family) - 1} more)" if len(family) > 1 else ""
    commands = (fix_of(first, style) or "").splitlines()
    block = "".join(f"\n  ```\n  {line}\n  ```" for line in commands)
    what = escaped(label_of(first))
    page = page_of(first)
    check = f"[{first.check}]({page})" if page else f"\\[{first.check}\\]"
    return f"- **{first.level.value}** `{where}` {what}{rest} {check}{block}"
