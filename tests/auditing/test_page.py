"""The HTML page in a real browser: what it does, shows, prints, and how fast a large one opens."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from npm_vetted.auditing.facts import Moves
from tests.auditing.test_formats import DATE, HOSTILE, a_report, package, rendered
from tests.support.chromium import launched

pytestmark = pytest.mark.browser

NAMES = ("zeta", "alpha", "mid", "@scope/beta")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as found:
        yield found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test where it asks a host for anything, or its script fails."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda each: wrong.append(each.text) if each.type == "error" else None)
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.on(
        "request", lambda each: None if each.url.startswith("file:") else wrong.append(each.url)
    )
    yield page
    context.close()
    assert wrong == []


def opened(page: Page, folder: Path, *packages: Any, text: str = "plain") -> Page:
    file = folder / "report.html"
    file.write_text(rendered("html", a_report(*packages, text=text)), encoding="utf-8")
    page.goto(file.as_uri())
    return page


def several() -> list[Any]:
    return [package(name, status="exempt" if name == "mid" else "vetted") for name in NAMES]


def names_shown(page: Page) -> list[str]:
    rows = page.locator("#packages-controls + .scroll tbody tr:visible th")
    return [text.partition("@1.0.0")[0] for text in rows.all_inner_texts()]


def test_the_table_is_filtered_by_text_and_status(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, *several())
    assert names_shown(page) == list(NAMES)
    page.locator("#packages-controls input").fill("ETA exempt")
    assert names_shown(page) == []
    page.locator("#packages-controls input").fill("eta")
    assert names_shown(page) == ["zeta", "@scope/beta"]
    assert page.locator("#packages-controls output").inner_text() == "2 of 4 match"
    page.locator("#packages-controls input").fill("")
    page.locator("#packages-controls select").select_option("exempt")
    assert names_shown(page) == ["mid"]


def test_the_table_is_sorted_by_a_column_with_the_keyboard(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, *several())
    head = page.locator("#packages-controls + .scroll thead button").first
    head.focus()
    page.keyboard.press("Enter")
    assert names_shown(page) == ["@scope/beta", "alpha", "mid", "zeta"]
    page.keyboard.press("Enter")
    assert names_shown(page) == ["zeta", "mid", "alpha", "@scope/beta"]
    assert page.locator('th[aria-sort="descending"]').count() == 1


def test_numbers_are_sorted_as_numbers(page: Page, tmp_path: Path) -> None:
    day = DATE.date()
    many = [
        package(f"p{age}", vetted_on=day - datetime.timedelta(days=age)) for age in (9, 100, 20)
    ]
    opened(page, tmp_path, *many)
    page.locator("#packages-controls + .scroll").get_by_role("button", name="days").click()
    assert names_shown(page) == ["p9", "p20", "p100"]


def test_without_the_script_everything_is_there(browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = opened(context.new_page(), tmp_path, *several())
    assert page.locator(".controls:visible, thead button").count() == 0
    assert page.locator("#packages + .controls + .scroll tbody tr").count() == len(NAMES)
    context.close()


def test_hostile_words_show_as_text(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, package(HOSTILE, HOSTILE, project=HOSTILE), text=HOSTILE)
    page.wait_for_timeout(100)
    words = page.locator("td.words").first.inner_text()
    assert words.startswith("</script><script>alert(1)</script><img src=x onerror=alert(2)>")
    assert page.locator("img, iframe, script").count() == 1
    assert (
        page.evaluate(
            "document.querySelectorAll('a[href]:not([href^=\"https://www.npmjs.com/\"])').length"
        )
        == 0
    )


def seconds_to_open(page: Page, file: Path) -> float:
    """How long a page takes to open: on the clock, or of the processor where others use it too."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def used() -> float:
        rows = session.send("Performance.getMetrics")["metrics"]
        return next(float(row["value"]) for row in rows if row["name"] == "ProcessTime")

    start, before = time.monotonic(), used()
    page.goto(file.as_uri())
    page.wait_for_function("document.querySelector('output').textContent !== ''")
    return min(time.monotonic() - start, used() - before)


def test_ten_thousand_packages_open_in_under_two_seconds(page: Page, tmp_path: Path) -> None:
    many = [package(f"package-{at}") for at in range(10_000)]
    file = tmp_path / "report.html"
    file.write_text(rendered("html", a_report(*many)), encoding="utf-8")
    assert min(seconds_to_open(page, file) for _ in range(3)) < 2
    shown = page.locator("#packages-controls output")
    assert shown.inner_text() == "10,000 of 10,000 match; the first 500 are shown"
    assert len(names_shown(page)) == 500
    page.locator("#packages-controls input").fill("package-9999")
    assert page.locator("#packages-controls output").inner_text() == "1 of 10,000 match"


def test_long_lists_of_what_entered_are_folded_but_printed(page: Page, tmp_path: Path) -> None:
    entered = tuple((".", f"new-{at}@1.0.0") for at in range(40))
    moves = Moves("ab" * 20, entered, entered[:2], 0, 0, 0, 0)
    file = tmp_path / "report.html"
    text = rendered("html", a_report(*several())._replace(since=moves))
    file.write_text(text, encoding="utf-8")
    page.goto(file.as_uri())
    last = page.locator("details li", has_text="new-39@1.0.0")
    assert page.locator("details[open]").count() == 1
    assert not last.is_visible()
    page.locator("summary", has_text="Entered: 40 packages").click()
    assert last.is_visible()


def test_many_rows_are_shown_when_asked_for(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, *(package(f"p{at}") for at in range(1_200)))
    assert len(names_shown(page)) == 500
    page.emulate_media(media="print")
    assert len(names_shown(page)) == 1_200
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Show all").click()
    assert len(names_shown(page)) == 1_200


def test_it_prints_every_package(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, *(package(f"p{at}") for at in range(200)))
    data = page.pdf(prefer_css_page_size=True)
    assert data.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", data)) > 3
    page.emulate_media(media="print")
    assert page.locator(".controls:visible").count() == 0
    assert len(names_shown(page)) == 200
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_serious_is_wrong_for_assistive_programs(
    browser: Browser, tmp_path: Path, scheme: Any, width: int
) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = opened(context.new_page(), tmp_path, *several(), package("new", status="unvetted"))
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
    found = page.evaluate("axe.run()")
    assert [
        (each["id"], each["impact"], each["nodes"][0]["html"]) for each in found["violations"]
    ] == []
    assert len(found["passes"]) > 10
    context.close()


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_scrolls_tables_and_not_the_page(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = opened(context.new_page(), tmp_path, *several(), text="word" * 40)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_both_themes(browser: Browser, tmp_path: Path) -> None:
    colours = set()
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme="light" if scheme == "light" else "dark")
        page = opened(context.new_page(), tmp_path, *several())
        colours.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        context.close()
    assert len(colours) == 2
