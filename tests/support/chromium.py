"""The system's own Chromium, for tests of what a page does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser; the test fails where there is none."""
    found = next((path for name in _PROGRAMS if (path := shutil.which(name))), None)
    assert found is not None, "install Chromium (apt-get install chromium), as .ci/run does"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()
