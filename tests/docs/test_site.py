"""The documentation site: it builds in strict mode, is complete, and loads nothing from elsewhere."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest
import yaml

from npm_vetted import SITE, __version__
from npm_vetted.checks import checks
from npm_vetted.commands import command_names
from tests.docs.pages import DOCS, PAGES
from tests.support.chromium import launched
from tests.support.real_clients import ROOT

pytestmark = pytest.mark.docs

LOADS: Final = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
HARMLESS: Final = frozenset({"canonical", "next", "prev"})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as it is built; a broken link or anchor fails the build."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


class Loaded(HTMLParser):
    """Collects what a browser would fetch by itself, and the anchors."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element loads."""
        found = dict(attrs)
        if anchor := found.get("id"):
            self.anchors.add(anchor)
        if tag == "link" and found.get("rel") in HARMLESS:
            return
        if url := found.get(LOADS.get(tag, "")):
            self.urls.append(url)


def parsed(page: Path) -> Loaded:
    """What is in a page."""
    found = Loaded()
    found.feed(page.read_text(encoding="utf-8"))
    return found


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        assert [url for url in parsed(page).urls if re.match(r"(?:https?:)?//", url)] == [], page
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//", style.read_text(encoding="utf-8"))


@pytest.mark.parametrize("check", checks())
def test_a_check_has_its_page_with_an_anchor_for_every_code(site: Path, check: str) -> None:
    anchors = parsed(site / "checks" / check / "index.html").anchors
    assert set(checks()[check].CODES) - anchors == set()


def test_every_command_is_on_the_page_of_the_commands(site: Path) -> None:
    assert set(command_names()) - parsed(site / "commands/index.html").anchors == set()


def test_the_schemas_are_published_at_their_address(site: Path) -> None:
    for file in (ROOT / "hooks" / "npm_vetted" / "schemas").glob("*.json"):
        published = json.loads((site / "schemas" / file.name).read_text(encoding="utf-8"))
        assert published["$id"] == f"{SITE}schemas/{file.name}"


def test_every_page_is_in_the_navigation(site: Path) -> None:
    """From the first page each is reached by links of the menu, or of a page that is."""
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    linked = set(re.findall(r"\(([a-z/-]+\.md)", "".join(each.text for each in PAGES.values())))
    missing = {
        path.relative_to(DOCS).as_posix()
        for path in DOCS.rglob("*.md")
        if path.relative_to(DOCS).as_posix() not in config and path.name not in
        {each.rpartition("/")[2] for each in linked}
    }  # fmt: skip
    assert missing == set()


def test_the_pages_name_this_version() -> None:
    text = "".join(page.text for page in PAGES.values())
    named = set(re.findall(r"rev: v([0-9.]+)|npm-vetted==([0-9.]+)|npm-vetted@v([0-9.]+)", text))
    assert {"".join(each) for each in named} == {__version__}


def test_the_configuration_of_the_site_is_the_published_address() -> None:
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert yaml.safe_load(config)["site_url"] == SITE


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The site, as a server on this machine gives it."""
    handler = functools.partial(QuietHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    """Says nothing of the requests that it answers."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.mark.browser
def test_the_search_the_themes_and_a_phone(address: str) -> None:
    """In a real browser: no other host is asked, no error is logged, and no page is wider than a phone."""
    asked: set[str] = set()
    wrong: list[str] = []
    papers: set[str] = set()
    with launched() as browser:
        for theme, width in (("light", 1280), ("dark", 1280), ("light", 390)):
            context = browser.new_context(
                color_scheme="dark" if theme == "dark" else "light",
                viewport={"width": width, "height": 844},
            )
            page = context.new_page()
            page.on("request", lambda each: asked.add(each.url.split("/")[2]))
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on(
                "console", lambda each: wrong.append(each.text) if each.type == "error" else None
            )
            for path in ("", "quickstart/", "ci/", "checks/unvetted/", "commands/", "audit/"):
                page.goto(address + path)
                assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            papers.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            if width > 1000:
                page.click(".md-search__input")
                page.keyboard.type("cooldown", delay=30)
                first = page.locator(".md-search-result__item h1").first
                first.wait_for(timeout=60_000)
                assert "cooldown" in first.inner_text().lower()
            context.close()
    assert (asked, wrong, len(papers)) == ({address.split("/")[2]}, [], 2)
