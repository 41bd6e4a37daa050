"""One self-contained page that makes no request and runs no script.

Every text may be hostile: it is escaped, there are no links, and the content security policy admits
only this page's own style, by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterator
from typing import Final

from npm_vetted.formats.terminal_text import printable
from npm_vetted.report import Style
from npm_vetted.report._overview._words import (
    LIMITS,
    bringer_lines,
    command_lines,
    headline,
    quiet_line,
    score_words,
    step_words,
)
from npm_vetted.review.overview import ChangeOverview
from npm_vetted.review.signals.wording import unseen_lines

_STYLE: Final = """
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:0}
main{max-width:62rem;margin:auto;padding:1.5rem}h1{font-size:1.4rem}h2{font-size:1.1rem;margin:2rem 0 .3rem}
code,pre{font:13px/1.5 ui-monospace,monospace}pre{overflow-x:auto;padding:.6rem;
border:1px solid #8886;border-radius:6px}
li{margin:.15rem 0;overflow-wrap:anywhere}.soft{opacity:.75}.score{font-weight:400;opacity:.75}
"""


def render_overview(found: ChangeOverview, style: Style) -> str:
    """The whole page."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>npm-vetted review</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
    )
    return "".join([head, *_body(found, style), "</main>\n</body>\n</html>\n"])


def _body(found: ChangeOverview, style: Style) -> Iterator[str]:
    yield f"<h1>{_text(headline(found))}</h1>\n<ul>\n"
    yield from (f"<li>{_text(each)}</li>\n" for each in bringer_lines(found, 50))
    yield "</ul>\n"
    for each in found.attention:
        noted = ", noted" if each.covered else ""
        yield f'<h2>{_text(step_words(each))} <span class="score">{score_words(each)}{noted}</span></h2>\n<ul>\n'
        for reason in each.score.reasons if each.score is not None else ():
            place = f" <code>{_text(reason.path)}:{reason.line}</code>" if reason.path else ""
            yield f"<li>{_text(reason.text)}{place}</li>\n"
        if each.score is not None:
            yield from (f"<li>{_text(words)}</li>\n" for words in unseen_lines(each.score))
        if each.why:
            yield f"<li>{_text(each.why)}</li>\n"
        commands = "\n".join(command_lines(each, style))
        yield f"</ul>\n<pre>{_text(commands, keep=chr(10))}</pre>\n"
    if quiet_line(found):
        yield f"<p>{_text(quiet_line(found))}</p>\n"
    if found.problems:
        yield "<h2>Not computed</h2>\n<ul>\n"
        yield from (f"<li>{_text(each)}</li>\n" for each in found.problems)
        yield "</ul>\n"
    yield f'<p class="soft">{_text(LIMITS)}</p>\n'


def _text(text: str, keep: str = "") -> str:
    return html.escape(printable(text, keep))
