"""Which folder a specifier names."""

from __future__ import annotations

import pytest

from npm_vetted.model import Requirement
from npm_vetted.projects.folder_dependencies import folder_named, leads_outside, required_folder


@pytest.mark.parametrize(
    ("specifier", "folder", "outside"),
    [
        ("file:../lib", "lib", False),
        ("link:./lib", "app/lib", False),
        ("portal:lib", "app/lib", False),
        ("./lib", "app/lib", False),
        ("file://../lib", "lib", False),
        ("file:..", None, False),
        ("../..", None, True),
        ("file:../../other", None, True),
        ("file:///lib", None, True),
        ("/lib", None, True),
        ("~/lib", None, True),
        ("file:~/lib", None, True),
        ("^1.0.0", None, False),
        ("git+file:../lib", None, False),
    ],
)
def test_the_folder_of_a_specifier(specifier: str, folder: str | None, outside: bool) -> None:
    assert folder_named("app", specifier) == folder
    assert leads_outside("app", specifier) is outside


@pytest.mark.parametrize(("prefixes", "found"), [(("file:",), "lib"), (("link:",), None)])
def test_only_the_prefixes_of_a_client_name_a_folder(
    prefixes: tuple[str, ...], found: str | None
) -> None:
    asked = Requirement("lib", "file:../lib")
    assert required_folder("app", asked, prefixes) == found
