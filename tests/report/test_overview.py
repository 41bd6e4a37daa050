"""``review``'s screen, markdown and page: what a change brings, as people read it."""

from __future__ import annotations

import pytest

from npm_vetted.report import Style
from npm_vetted.report._overview import overview_text
from npm_vetted.review.overview import ArrivedPackage, ChangeOverview
from npm_vetted.review.signals.comparison import Reason
from npm_vetted.review.signals.weighing import Score

LONG = "can open network connections (first time: https) and has many other things to say of itself"
SCORE = Score(
    14,
    (
        Reason("power:net", LONG, "lib/main.js", 7),
        Reason("dep-unused", "new dependency that its own code never loads: a", "package.json", 3),
        Reason("dep-unused", "new dependency that its own code never loads: b", "package.json", 4),
    ),
    (),
    ("lib/fast.node: it is no text",),
)


def arrived(name: str, score: Score | None = None, **more: object) -> ArrivedPackage:
    facts: dict[str, object] = {
        "name": name, "version": "1.0.1", "arrival": "upgraded", "since": "1.0.0", "direct": True,
        "covered": False, "path": "package-lock.json", "line": 3, "brought_by": (),
        "score": score or Score(0, ()), **more,
    }  # fmt: skip
    return ArrivedPackage(**facts)  # type: ignore[arg-type]


CHANGE = ChangeOverview(
    state="what is staged",
    packages=(
        arrived("loud", SCORE),
        arrived("plain"),
        arrived("other"),
        arrived("part", arrival="new", since=None, direct=False, brought_by=("loud@1.0.1",)),
    ),
)


def screen(found: ChangeOverview = CHANGE, **more: object) -> list[str]:
    style = Style(**{"program": lambda: "npm-vetted", **more})  # type: ignore[arg-type]
    return overview_text("text", found, style).splitlines()


def test_the_screen() -> None:
    assert screen() == [
        "what is staged brings 4 packages: 1 new, 3 upgraded",
        "  loud@1.0.1 (upgraded) brings 1 new",
        "  other@1.0.1, plain@1.0.1 bring nothing else",
        "",
        "Deserves attention first (1):",
        "  loud 1.0.0 -> 1.0.1  (score 14, direct)",
        f"    - {LONG}  [lib/main.js:7]",
        "    - new dependency that its own code never loads: a  [package.json:3], and 1 more like it",
        "    - no signal looks into lib/fast.node: it is no text",
        '      npm-vetted inspect "loud@1.0.1"',
        '      npm-vetted diff "loud@1.0.0" 1.0.1 --only lib/main.js --only package.json',
        '      npm-vetted note "loud@1.0.1"',
        "",
        "The other 3: nothing that deserves attention.",
        "what the reasons mean: https://npm-vetted.github.io/npm-vetted/signals/",
    ]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_lines_are_wrapped_to_the_terminal_but_for_commands_and_addresses(width: int) -> None:
    rows = screen(width=width)
    assert len(rows) > len(screen())
    whole = [row for row in rows if len(row) > width]
    assert all("npm-vetted " in row or "https://" in row for row in whole)
    assert any(row.startswith("      ") and "[lib/main.js:7]" in row for row in rows)


def test_a_terminal_that_knows_links_gets_one_to_what_a_score_means() -> None:
    rows = screen(links=True, width=80)
    head = next(row for row in rows if "loud 1.0.0" in row)
    assert (
        "\x1b]8;;https://npm-vetted.github.io/npm-vetted/signals/\x1b\\score 14\x1b]8;;\x1b\\"
        in head
    )
    assert not any("what the reasons mean" in row for row in rows)


def test_only_the_first_packages_have_their_commands_unless_all_is_asked_for() -> None:
    found = ChangeOverview(state="s", packages=tuple(arrived(f"p{at}", SCORE) for at in range(14)))
    assert sum("npm-vetted inspect" in row for row in screen(found)) == 3
    assert "  and 2 more: -v shows them" in screen(found)
    assert "  [-v shows the commands of each]" in screen(found)
    assert sum("npm-vetted inspect" in row for row in screen(found, verbose=True)) == 14


def test_a_change_of_one_kind_is_said_once() -> None:
    found = ChangeOverview(state="s", packages=(arrived("a"), arrived("b")))
    assert screen(found)[:2] == [
        "s brings 2 packages, all upgraded",
        "  a@1.0.1, b@1.0.1 bring nothing else",
    ]


@pytest.mark.parametrize("name", ["text", "markdown", "html", "json"])
def test_a_hostile_name_stays_text_in_every_format(name: str) -> None:
    reason = Reason("power:net", "`</pre><script>\x1b[31m@all", "a\x1bb.js", 1)
    found = ChangeOverview(state="s", packages=(arrived("<b>\x1b[2J", Score(9, (reason,))),))
    text = overview_text(name, found, Style(program=lambda: "npm-vetted"))
    assert "\x1b" not in text
    if name == "html":
        assert "<script" not in text
        assert "<b>" not in text


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_markdown_and_page_name_files_that_no_signal_looks_into(name: str) -> None:
    text = overview_text(name, CHANGE, Style(program=lambda: "npm-vetted"))
    assert "no signal looks into" in text.replace("\\", "")


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_where_all_deserve_attention_there_is_no_empty_part(name: str) -> None:
    found = ChangeOverview(state="s", packages=(arrived("loud", SCORE),))
    text = overview_text(name, found, Style(program=lambda: "npm-vetted"))
    assert "\n\n\n" not in text
    assert "<p></p>" not in text
