"""Which files may be a program that a setting names, or be loaded by one."""

from __future__ import annotations

import pytest

from npm_vetted.vetting.programs import may_be_program


@pytest.mark.parametrize(
    ("path", "program"),
    [
        ("tools/run.js", True),
        ("tools/run.mts", True),
        ("a.b/settings.json", True),
        ("certs/ca.pem", True),
        (".yarn/plugin.cjs", True),
        ("ci/config.yml", True),
        ("bin/run", True),
        ("run", True),
        ("a.b/run", True),
        ("vendor/server/module.lib", True),
        ("x/vendor/module.lib", True),
        ("x/vendored/module.lib", False),
        ("README.md", False),
        ("a/picture.png", False),
        ("a/run.js.map", False),
        ("a/style.css", False),
    ],
)
def test_a_program_has_its_suffix_or_none(path: str, program: bool) -> None:
    assert may_be_program(path) is program
