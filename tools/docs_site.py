"""What the documentation site takes from the code: a page for each check, the commands, the schemas.

MkDocs loads this file as a hook (``hooks:`` in mkdocs.yml), so the pages are made at each build and
are never out of date.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from npm_vetted.checks import Check, checks
from npm_vetted.commands._parser import build_parser, help_text, subparsers
from npm_vetted.commands.explain import HEADINGS

ROOT: Final = Path(__file__).parents[1]
SCHEMAS: Final = ROOT / "hooks" / "npm_vetted" / "schemas"
CODE: Final = frozenset({"before", "after"})
COMMIT_PAGES: Final = {"benchmarks.md": ROOT / "benchmarks" / "README.md"}
"""Pages whose text is kept next to what they are about."""


def pages() -> Iterator[tuple[str, str]]:
    """Each generated file of the site: its path below docs/, and its text."""
    yield "checks/index.md", "\n".join(_list_of_checks())
    for name, check in checks().items():
        yield f"checks/{name}.md", check_page(name, check)
    yield "commands.md", "\n".join(_commands())
    for file in sorted(SCHEMAS.glob("*.json")):
        yield f"schemas/{file.name}", file.read_text(encoding="utf-8")
    for path, file in COMMIT_PAGES.items():
        yield path, file.read_text(encoding="utf-8")


def _list_of_checks() -> Iterator[str]:
    yield "# The checks\n"
    yield "Each finding names its check and its code. `npm-vetted explain CHECK` prints these pages.\n"
    yield "| check | rejects |\n| --- | --- |"
    for name, check in checks().items():
        sentence = check.EXPLANATION.what.split(". ")[0].rstrip(".")
        yield f"| [`{name}`]({name}.md) | {_cell(sentence)} |"
    yield ""


def check_page(name: str, check: Check) -> str:
    """The words of a check, and an anchor for each of its codes."""
    parts = [f"# {name}"]
    for field, heading in HEADINGS:
        text: str = getattr(check.EXPLANATION, field)
        body = f"```text\n{text}\n```" if field in CODE else text
        parts.append(body if field == "what" else f"## {heading}\n\n{body}")
    parts.append("## The codes")
    parts += [f"### `{code}` {{ #{code} }}\n\n{words}" for code, words in check.CODES.items()]
    return "\n\n".join(parts) + "\n"


def _commands() -> Iterator[str]:
    yield "# The commands\n"
    yield "The text of `npm-vetted COMMAND --help`.\n"
    parser = build_parser()
    yield f"```text\n{help_text(parser)}```\n"
    for name, inner in subparsers(parser).items():
        yield f"## {name} {{ #{name} }}\n\n```text\n{help_text(inner)}```\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def on_files(files: Any, config: Any) -> Any:
    """Add the generated files to the site (an event of MkDocs)."""
    from mkdocs.structure.files import File

    for path, text in pages():
        existing = files.get_file_from_path(path)
        if existing is not None:
            files.remove(existing)
        files.append(File.generated(config, path, content=text))
    return files
