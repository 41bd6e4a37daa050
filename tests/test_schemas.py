"""The JSON Schemas accept what the readers accept, know the same keys, and fit what commands write."""

from __future__ import annotations

import ast
import contextlib
import datetime
import json
import tomllib
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

from npm_vetted import SITE
from npm_vetted.cli import main
from npm_vetted.commands import command, command_names
from npm_vetted.errors import UsageError
from npm_vetted.formats.json import load_json
from npm_vetted.vetting import baseline, notes, policy
from npm_vetted.vetting.baseline import BASELINE
from npm_vetted.vetting.notes import NoteError, read_note
from npm_vetted.vetting.policy import BUILT_IN_CRITERIA, CONFIG, read_policy
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import run
from tests.support.real_clients import ROOT

FOLDER: Final = ROOT / "hooks" / "npm_vetted" / "schemas"
SCHEMAS: Final[dict[str, Any]] = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob("*.schema.json"))
}
SRI: Final = "sha512-" + "A" * 86 + "=="


def closed(schema: Any) -> Any:
    """The schema without keys beyond those that it lists: stricter than what readers may rely on."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(each) for key, each in schema.items()}
    if isinstance(found.get("properties"), dict) and found.get("type") == "object":
        found.setdefault("additionalProperties", False)
    return found


def plain(value: object) -> object:
    """TOML's dates as the texts that an editor's validator makes of them."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


def accepts(name: str, value: object) -> bool:
    """Whether a schema accepts a value."""
    return jsonschema.Draft7Validator(SCHEMAS[name]).is_valid(plain(value))


def check_output(name: str, text: str) -> None:
    """Fail where a command's output does not fit its schema, or has a key beyond it."""
    jsonschema.validate(json.loads(text), closed(SCHEMAS[name]), jsonschema.Draft7Validator)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_valid_and_knows_its_address(name: str) -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$id"] == f"{SITE}schemas/{name}.schema.json"


def key_sets(module: Any) -> set[frozenset[str]]:
    """The sets of keys that a module passes to ``Table.only``, with what it adds to them."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "only":
            keys = eval(  # the sets are literals, and names of the module
                compile(ast.Expression(node.args[0]), "keys", "eval"),
                {**vars(module), "more": set()},
            )
            found.add(frozenset(keys))
    return found


def property_sets(schema: object) -> Iterator[frozenset[str]]:
    """The keys of each object that a schema describes and closes."""
    if isinstance(schema, list):
        for each in schema:
            yield from property_sets(each)
    elif isinstance(schema, dict):
        if schema.get("additionalProperties") is False:
            yield frozenset(schema["properties"])
        for each in schema.values():
            yield from property_sets(each)


@pytest.mark.parametrize(
    ("name", "module", "more"),
    [("config", policy, {"development"}), ("note", notes, set())],
)
def test_a_schema_has_the_keys_of_the_reader(name: str, module: Any, more: set[str]) -> None:
    described = set(property_sets(SCHEMAS[name]))
    assert {keys - more for keys in described} == key_sets(module)


def test_the_schema_of_the_policy_names_its_constants() -> None:
    keys = SCHEMAS["config"]["properties"]
    assert keys["format"]["maximum"] == policy.FORMAT
    assert keys["policy"]["properties"]["transitive"]["enum"] == list(policy.TRANSITIVE)
    assert keys["criteria"]["propertyNames"]["not"]["enum"] == list(BUILT_IN_CRITERIA)


def test_a_line_of_the_baseline_has_the_readers_pattern() -> None:
    pattern = SCHEMAS["baseline-line"]["pattern"]
    ours = baseline._LINE.pattern.replace("(", "").replace(")", "")
    assert pattern == f"^{ours.removesuffix('.*')}.*$"


POLICIES: Final = {
    "": True,
    "format = 2": True,
    "format = 0": False,
    "format = 99": False,
    "[policy]\nnew = []\nupgrade = { major = ['source'] }": True,
    "[policy]\nupgrade = { huge = ['source'] }": False,
    "[policy]\ntransitive = 'never'": False,
    "[policy]\ncooldown-days = -1": False,
    "[policy]\ncooldown-day = 1": False,
    "[policy.development]\ncooldown-days = 3": True,
    "[policy.development.development]\ncooldown-days = 3": False,
    "[registries]\nallowed = ['http://registry.example/']": False,
    "[registries]\nproxies = ['http://proxy.example:3128']": True,
    "[[first-party]]\nscopes = ['@acme']\nregistry = 'https://npm.acme.example/'": True,
    "[[first-party]]\nscopes = []\nregistry = 'https://npm.acme.example/'": False,
    "[[first-party]]\nscopes = ['acme']\nregistry = 'https://npm.acme.example/'": False,
    "[[deny]]\npackage = 'x'\nversions = ['1.0.0']\nreason = 'bad'": True,
    "[[deny]]\npackage = 'x'\nreason = ' '": False,
    "[[exclude]]\npath = 'templates/**'\nreason = 'filled in'": True,
    "[[ignore]]\ncheck = 'cooldown'\npath = 'a'\nreason = 'x'\nuntil = 2027-01-31": True,
    "[[ignore]]\ncheck = 'cooldown'\nreason = 'x'": False,
    "[criteria]\ncrypto = 'read by someone who knows it'": True,
    "[criteria]\nhealth = 'something else'": False,
}


@pytest.mark.parametrize(("text", "valid"), POLICIES.items())
def test_the_policys_schema_agrees_with_its_reader(text: str, valid: bool) -> None:
    try:
        read_policy(text.encode(), adopted=True)
        read = True
    except UsageError:
        read = False
    assert (read, accepts("config", tomllib.loads(text))) == (valid, valid)


HEAD: Final = "criteria = ['health']\nvetted-by = 'A <a@b.example>'\nvetted-on = 2026-11-22\n"
OWN: Final = f"package = 'ms'\nversion = '1.0.0'\nintegrity = '{SRI}'\n{HEAD}"
WHY: Final = "why = 'small, and the code was read'\n"
NOTES: Final = {
    OWN + WHY: True,
    OWN: False,
    HEAD + WHY: False,
    OWN + WHY + "accepts = [{ package = 'a@1.0.0', integrity = 'sha512-x' }]": False,
    OWN + WHY + "brings = [{ package = 'a@1.0.0', integrity = 'sha512-x' }]": True,
    OWN + WHY + "brings = [{ package = 'a@1.0.0' }]": False,
    OWN + WHY + "brings = [{ package = 'a', integrity = 'sha512-x' }]": False,
    OWN + WHY + "published = 2026-11-22T14:12:02Z\nnot-lookalike-of = 'mss'": True,
    OWN + WHY + "colour = 'red'": False,
    OWN + "why = ' '": False,
    "package = 'ms'\nspecifier = '^1.0.0'\n" + HEAD + WHY: True,
    "package = 'ms'\nversion = '1.0.0'\n" + HEAD + WHY: False,
}
GROUP: Final = HEAD + WHY + "accepts = [{ package = 'a@1.0.0', integrity = 'sha512-x' }]"


@pytest.mark.parametrize(
    ("path", "text", "valid"),
    [
        *((".vetting/notes/ms/1.0.0.toml", *each) for each in NOTES.items()),
        (".vetting/notes/_groups/2026-11-22-a-0000.toml", GROUP, True),
    ],
)
def test_the_notes_schema_agrees_with_its_reader(path: str, text: str, valid: bool) -> None:
    try:
        read_note(path, text.encode())
        read = True
    except NoteError:
        read = False
    assert (read, accepts("note", tomllib.loads(text))) == (valid, valid)


def vetted(repo: GitRepo, *arguments: str) -> str:
    """What a command prints on standard output."""
    said = StringIO()
    with contextlib.chdir(repo.path), redirect_stdout(said), redirect_stderr(StringIO()):
        main(arguments)
    return said.getvalue()


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> GitRepo:
    """A repository that adopted npm-vetted with findings, and that then adds a package."""
    repo = GitRepo(tmp_path_factory.mktemp("schemas") / "repo")
    repo.write("package.json", manifest("ms"))
    repo.write("package-lock.json", npm_lock("ms"))
    repo.write("Dockerfile", "FROM node\nRUN npm install -g left-pad\n")
    repo.git("add", ".")
    repo.git("commit", "-qm", "Start")
    vetted(repo, "init")
    repo.git("commit", "-qm", "Adopt")
    repo.write("package.json", manifest("ms", "nanoid"))
    repo.write("package-lock.json", npm_lock("ms", "nanoid"))
    repo.git("add", ".")
    return repo


def manifest(*names: str) -> str:
    """A manifest that depends on packages."""
    return json.dumps({"name": "shop", "dependencies": dict.fromkeys(names, "^1.0.0")})


def npm_lock(*names: str) -> str:
    """The lockfile of such a manifest."""
    root: dict[str, object] = {"name": "shop", "dependencies": dict.fromkeys(names, "^1.0.0")}
    registry = "https://registry.npmjs.org"
    found = {"": root}
    for name in names:
        tarball = f"{registry}/{name}/-/{name}-1.0.0.tgz"
        found[f"node_modules/{name}"] = {"version": "1.0.0", "resolved": tarball, "integrity": SRI}
    return json.dumps({"name": "shop", "lockfileVersion": 3, "packages": found})


def test_what_init_writes_is_valid(adopted: GitRepo) -> None:
    text = (adopted.path / CONFIG).read_text(encoding="utf-8")
    assert text.startswith(f"#:schema {SCHEMAS['config']['$id']}\n")
    assert accepts("config", tomllib.loads(text))
    lines = (adopted.path / BASELINE).read_text(encoding="utf-8").splitlines()
    assert lines
    assert all(accepts("baseline-line", line) for line in lines)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("check", ["check"]),
        ("check", ["check", "--all"]),
        ("status", []),
        ("audit", ["audit"]),
        ("explain", ["explain"]),
        ("explain", ["explain", "unvetted"]),
        ("suggest", ["suggest", "--offline"]),
        ("audit-package", ["audit", "ms"]),
        ("audit-package", ["audit", "ms@1.0.0"]),
        ("audit-contains", ["audit", "--contains", "ms@1.0.0", "--contains", "nanoid"]),
        ("audit-contains", ["audit", "--contains", "ms", "--all-branches"]),
        ("audit-online", ["audit", "--online"]),
    ],
)
def test_what_a_command_prints_as_json_is_valid(
    adopted: GitRepo, name: str, command: list[str]
) -> None:
    check_output(name, vetted(adopted, *command, "--format", "json"))


def test_what_is_said_of_a_package_is_valid(adopted: GitRepo) -> None:
    adopted.write(".vetting/notes/ms/1.0.0.toml", OWN + WHY + "from = '0.9.0'\n")
    try:
        text = vetted(adopted, "audit", "ms", "--format", "json")
        check_output("audit-package", text)
        assert [each["kind"] for each in json.loads(text)["said"]] == ["exempt"]
        adopted.git("add", ".vetting")
        text = vetted(adopted, "audit", "ms", "--format", "json")
        check_output("audit-package", text)
        assert [each["kind"] for each in json.loads(text)["said"]] == ["vetted", "exempt"]
    finally:
        adopted.git("rm", "-qf", "--ignore-unmatch", ".vetting/notes/ms/1.0.0.toml")


def test_every_command_that_prints_json_has_a_schema() -> None:
    printing = {name for name in command_names() if "json" in getattr(command(name), "FORMATS", ())}
    assert printing - SCHEMAS.keys() == set()


@pytest.mark.parametrize(
    "name", ["accept", "completion", "deny", "exempt", "init", "note", "prune", "rebuild"]
)
def test_a_command_that_prints_text_refuses_json(adopted: GitRepo, name: str) -> None:
    for words in ([name, "--format", "json"], ["--format", "json", name]):
        done = run(adopted.path, *words)
        assert done.status == 2
        assert "--format: invalid choice: 'json'" in done.err


def test_what_note_writes_is_valid(adopted: GitRepo) -> None:
    vetted(
        adopted, "note", "nanoid@1.0.0", "--offline", "--criteria", "health", "-m", "read it all"
    )
    text = (adopted.path / ".vetting/notes/nanoid/1.0.0.toml").read_text(encoding="utf-8")
    assert text.startswith(f"#:schema {SCHEMAS['note']['$id']}\n")
    assert accepts("note", tomllib.loads(text))


def test_the_schemas_are_json_without_repeated_keys() -> None:
    for path in FOLDER.glob("*.json"):
        load_json(path.name, path.read_bytes())
