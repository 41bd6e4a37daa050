"""Which folders workspace globs name, for each client; the real clients find the same ones."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from npm_vetted.clients import clients as all_clients
from npm_vetted.clients.shared.workspaces import Negation, is_member, is_unclear
from npm_vetted.errors import UndecidedError
from tests.support.real_clients import Clients, program_of

FOLDERS = ("p/x", "p/y", "p/.z", "p/x/sub", "p/a+b", "q/x")

GLOBS = {
    "p/*": "p/x p/y p/a+b",
    "./p/*/": "p/x p/y p/a+b",
    "p//x": "p/x",
    "*/x": "p/x q/x",
    "[p]/*": "p/x p/y p/a+b",
    "[!q]/x": "p/x",
    "[a-p]/x": "p/x",
    "p/[xy]": "p/x p/y",
    "p/{x,y}": "p/x p/y",
    "p/{x,{y,a+b}}": "p/x p/y p/a+b",
    "p/?": "p/x p/y",
    "**": "p/x p/y p/x/sub p/a+b q/x",
    "p/**": "p/x p/y p/x/sub p/a+b",
    "p/**/sub": "p/x/sub",
    "p/.*": "p/.z",
    "P/x": "",
}
"""Globs that all clients match alike, and the folders."""

NEGATED = {
    ("p/*", "!p/y"): {Negation.IGNORED: "p/x p/y p/a+b"},
    ("!p/y", "p/*"): {Negation.IGNORED: "p/x p/y p/a+b"},
    ("p/*", "!**/y"): {Negation.IGNORED: "p/x p/y p/a+b"},
    ("p/*", "!p/y", "p/y"): dict.fromkeys(
        (Negation.IGNORED, Negation.GLOBS_ONLY, Negation.IN_ORDER), "p/x p/y p/a+b"
    ),
}
"""Globs with a negation: the folders by what the client does with it; else y is left out."""

UNCLEAR = (
    "p/@(x)", "p/+(x|y)", "p/?(x)", "p/!(y)", "p/*(x)", "p/\\x", "p/{x..y}", "p/{x}", "p/{x,y",
    "p/[^b]", "p/[[:alpha:]]", "p/[x", "/p/x", "#p", "../p/*", "p/../x", "p/./x", "p/**x", "p/x**",
    "x" * 2_000,
)  # fmt: skip


def members(globs: tuple[str, ...], negation: Negation) -> set[str]:
    return {folder for folder in FOLDERS if is_member(globs, folder, negation)}


@pytest.mark.parametrize("glob", GLOBS)
def test_globs_that_all_clients_match_alike(glob: str) -> None:
    assert not is_unclear(glob)
    assert members((glob,), Negation.IN_ORDER) == set(GLOBS[glob].split())


@pytest.mark.parametrize("negation", Negation)
@pytest.mark.parametrize("globs", NEGATED)
def test_negation(globs: tuple[str, ...], negation: Negation) -> None:
    assert members(globs, negation) == set(NEGATED[globs].get(negation, "p/x p/a+b").split())


@pytest.mark.parametrize("glob", UNCLEAR)
def test_what_the_clients_differ_about_is_unclear(glob: str) -> None:
    assert is_unclear(glob)
    assert is_unclear(f"!{glob}")


def test_a_bracket_may_be_part_of_a_folder_name() -> None:
    """pnpm 10 and Yarn 4 find it by its own name: a member that others do not see is judged too."""
    assert is_member(("p/[id]",), "p/[id]", Negation.ALWAYS)
    assert is_member(("p/[id]",), "p/i", Negation.ALWAYS)


def test_thousands_of_globs_are_undecided() -> None:
    with pytest.raises(UndecidedError):
        is_member(("x",) * 2_001, "x", Negation.IN_ORDER)


REAL = ("npm10", "npm12", "pnpm10", "pnpm12", "yarn1", "yarn4.18", "bun1.2", "bun1.4")
OF = {"npm": "npm", "pnpm": "pnpm", "bun": "bun"}


def found_by(clients: Clients, name: str, folder: Path, globs: tuple[str, ...]) -> set[str]:
    """The workspaces that a real client finds."""
    for at, each in enumerate(FOLDERS):
        (folder / each).mkdir(parents=True)
        manifest = {"name": f"member-{at}", "version": "1.0.0"}
        (folder / each / "package.json").write_text(json.dumps(manifest))
    root = {"name": "root", "version": "1.0.0", "private": True, "workspaces": globs}
    (folder / "package.json").write_text(json.dumps(root))
    if name.startswith("pnpm"):
        (folder / "pnpm-workspace.yaml").write_text(json.dumps({"packages": globs}))
    if name.startswith("yarn4"):
        (folder / "yarn.lock").write_text("")
    words = {
        "npm": ("install", "--package-lock-only", "--ignore-scripts"),
        "pnpm": ("ls", "-r", "--json", "--depth", "-1"),
        "yarn1": ("--json", "workspaces", "info"),
        "yarn": ("workspaces", "list", "--json"),
        "bun": ("install", "--ignore-scripts"),
    }
    program = program_of(name)
    out = clients.run(name, *words.get(name, words[program]), cwd=folder, check=False).stdout
    if program == "npm":
        found = json.loads((folder / "package-lock.json").read_text())["packages"]
    elif program == "pnpm":
        found = [str(Path(each["path"]).relative_to(folder.resolve())) for each in json.loads(out)]
    elif name == "yarn1":
        info = json.loads(json.loads(out.splitlines()[0])["data"])
        found = [each["location"] for each in info.values()]
    elif program == "yarn":
        found = [json.loads(line)["location"] for line in out.splitlines()]
    else:
        text = (folder / "bun.lock").read_text() if (folder / "bun.lock").exists() else "{}"
        found = json.loads(re.sub(r",(\s*[}\]])", r"\1", text)).get("workspaces", {})
    return {each for each in found if each in FOLDERS}


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_the_real_clients_find_the_same_members(
    clients: Clients, tmp_path: Path, name: str
) -> None:
    client = "yarn-classic" if name == "yarn1" else OF.get(program_of(name), "yarn-berry")
    negation = all_clients()[client].NEGATION
    if name == "bun1.2":  # older than the negation
        negation = Negation.IGNORED
    for at, globs in enumerate([*((each,) for each in GLOBS), *NEGATED]):
        if name == "bun1.2" and globs in [("p/.*",), ("P/x",)]:
            continue  # it fails: nothing is installed
        expected = members(globs, negation)
        assert found_by(clients, name, tmp_path / str(at), globs) == expected, globs
