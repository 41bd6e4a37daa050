"""Which version each package gets by ``.pnp.cjs``, and where that is: compared with yarn.lock."""

from __future__ import annotations

import json

import pytest

from npm_vetted.clients.shared.yarn.locators import locator_hash
from npm_vetted.clients.yarn_berry.client import read_lockfile

REFERENCE = "file:./vendor/lib.tgz::locator=p%40workspace%3A."
HASH = locator_hash("lib", REFERENCE)[:10]


def archive(name: str, reference: str) -> str:
    """Where Yarn has a package."""
    digest = locator_hash(name, reference)[:10]
    return f"./.yarn/cache/{name}-x-{digest}-0123456789.zip/node_modules/{name}/"


def row(name: str, reference: str, *gets: object, at: str | None = None) -> list[object]:
    """One package of the data, with what it gets besides itself."""
    place = at or archive(name, reference.rpartition("#")[2])
    own = [name, reference]
    return [reference, {"packageLocation": place, "packageDependencies": [*gets, own]}]


BOUND = "virtual:00#npm:1.0.0"
TOP: list[list[object]] = [["lib", REFERENCE], ["pp", BOUND], ["one", ["ms", "npm:1.0.0"]]]
STATE = json.dumps({
    "fallbackPool": [],
    "ignorePatternData": None,
    "packageRegistryData": [
        [None, [[None, {"packageLocation": "./", "packageDependencies": [*TOP, ["p", "workspace:."]]}]]],
        ["p", [row("p", "workspace:.", *TOP, at="./")]],
        ["a", [row("a", "workspace:a", ["ms", "npm:2.0.0"], at="./a/")]],
        ["lib", [row("lib", REFERENCE)]],
        ["ms", [row("ms", "npm:1.0.0"), row("ms", "npm:2.0.0")]],
        ["pp", [
            row("pp", "npm:1.0.0"),
            row("pp", BOUND, ["lib", REFERENCE], ["ms", "npm:2.0.0"], ["@types/lib", None]),
        ]],
    ],
})  # fmt: skip


def entry(key: str, resolution: str, version: str, *lines: str) -> str:
    """An entry of yarn.lock."""
    inner = "".join(f"  {line}\n" for line in lines)
    return f'\n"{key}":\n  version: {version}\n  resolution: "{resolution}"\n{inner}'


SUM = f"checksum: 10c0/{'0' * 128}"
HARD = ("languageName: node", "linkType: hard")
SOFT = ("languageName: unknown", "linkType: soft")
LOCK = (
    "__metadata:\n  version: 8\n  cacheKey: 10c0\n"
    + entry("a@workspace:a", "a@workspace:a", "0.0.0-use.local",
            "dependencies:", '  ms: "npm:^2.0.0"', *SOFT)
    + entry(f"lib@{REFERENCE}", f"lib@{REFERENCE}", "1.0.0", SUM, *HARD)
    + entry("one@npm:ms@^1.0.0", "ms@npm:1.0.0", "1.0.0", SUM, *HARD)
    + entry("ms@npm:^2.0.0", "ms@npm:2.0.0", "2.0.0", SUM, *HARD)
    + entry("p@workspace:.", "p@workspace:.", "0.0.0-use.local",
            "dependencies:", '  lib: "file:./vendor/lib.tgz"', '  one: "npm:ms@^1.0.0"',
            '  pp: "npm:1.0.0"', *SOFT)
    + entry("pp@npm:1.0.0", "pp@npm:1.0.0", "1.0.0", "dependencies:", '  ms: "npm:^2.0.0"',
            "peerDependencies:", '  lib: "*"', SUM, *HARD)
)  # fmt: skip
PLACE = archive("pp", "npm:1.0.0")
UNPLUGGED = f"./.yarn/unplugged/pp-virtual-{locator_hash('pp', BOUND)[:10]}/node_modules/pp/"
GIVEN = '["lib", "file:./vendor/lib.tgz::locator=p%40workspace%3A."], ["ms", "npm:2.0.0"], '


@pytest.mark.parametrize(
    ("old", "new", "differs"),
    [
        ("", "", False),
        ("./.yarn/cache/lib-x", "./.yarn/__virtual__/lib-virtual-0/0/cache/lib-x", False),
        ("./.yarn/cache/lib-x", "../../home/.yarn/berry/cache/lib-x", False),
        ("./.yarn/cache/", "./vendor/", True),
        ("./.yarn/cache/", "./evil/cache/", True), ("./.yarn/cache/", "./cache/", True),
        ("./.yarn/cache/lib-x", "./.yarn/__virtual__/lib-virtual-0/1/lib-x", True),
        (HASH, "0000000000", True),
        ("/node_modules/lib/", "/node_modules/evil/", True),
        ("/node_modules/lib/", "/node_modules/lib/../evil/", True),
        ('"./a/"', '"./b/"', True),
        ('"./"', '"./a/"', True),
        ('"packageDependencies": [["lib", ', '"packageDependencies": [["evil", ', True),
        ('["lib", [["file:./vendor', '["lib", [["file:./other', True),
        ('"packageRegistryData": [', '"packageRegistryData": [}', True),
        ('"packageRegistryData": [', '"packageRegistryData": [], "packageRegistryData": [', True),
        # which of the locked versions a package gets
        ('["ms", "npm:2.0.0"], ["a"', '["ms", "npm:1.0.0"], ["a"', True),
        ('["ms", "npm:2.0.0"], ["a"', '["a"', True),
        ('["ms", "npm:2.0.0"], ["a"', '["ms", null], ["a"', True),
        ('["one", ["ms", "npm:1.0.0"]]', '["one", ["ms", "npm:2.0.0"]]', True),
        ('["one", ["ms", "npm:1.0.0"]], ', "", True),
        ('["a", "workspace:a"]]', '["a", "workspace:a"], ["one", ["ms", "npm:1.0.0"]]]', True),
        ('["a", "workspace:a"]]', '["a", "workspace:a"], ["ms", "npm:1.0.0"]]', True),
        ('["ms", "npm:1.0.0"]]}]', '["ms", "npm:2.0.0"]]}]', True),
        (PLACE, UNPLUGGED, False),  # seen with Yarn 4.0: the place of the form that is required
        (PLACE, UNPLUGGED.replace("/pp/", "/evil/"), True),
        (PLACE, UNPLUGGED.replace("./.yarn/", "./evil/"), True),
        # peers are those of who asks
        (GIVEN, '["lib", ["ms", "npm:1.0.0"]], ["ms", "npm:2.0.0"], ', True),
        (GIVEN, '["lib", null], ["ms", "npm:2.0.0"], ', True),
        (GIVEN, '["ms", "npm:2.0.0"], ', True),
        (BOUND, "npm:1.0.0", True),
        # what Yarn's own corrections may add to a package: only what is locked, as itself
        ('["lib", "file:./vendor/lib.tgz::locator=p%40workspace%3A."]]}]',
         '["lib", "file:./vendor/lib.tgz::locator=p%40workspace%3A."], ["ms", "npm:1.0.0"]]}]', False),
        ('["lib", "file:./vendor/lib.tgz::locator=p%40workspace%3A."]]}]',
         '["lib", "file:./vendor/lib.tgz::locator=p%40workspace%3A."], ["x", ["ms", "npm:1.0.0"]]]}]', True),
        # packages that no yarn.lock has, and what every package gets
        ('["a", [["workspace:a"', '["b", [["workspace:a"', True),
        ('["ms", "npm:2.0.0"], ["a"', '["ms", "workspace:evil"], ["a"', True),
        ('"fallbackPool": []', '"fallbackPool": [["ms", "npm:1.0.0"]]', True),
        ('"ignorePatternData": null', '"ignorePatternData": "."', True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", [".pnp.cjs", ".pnp.data.json"])
def test_data_is_compared_with_the_lockfile(
    name: str, old: str, new: str, *, differs: bool
) -> None:
    assert old in STATE
    state = STATE.replace(old, new) if old else STATE
    text = state if name.endswith(".json") else f"const RAW_RUNTIME_STATE =\n'{state}';\n"
    lockfile = read_lockfile("yarn.lock", LOCK.encode(), {name: text.encode()}.get)
    found = [each for each in lockfile.disagreements({}) if each.code == "pnp-differs"]
    assert bool(found) is differs, found


ALIASED = '["lib", "file:./vendor/lib.tgz::locator=p%40workspace%3A."]]}]'
EXTENDED = ALIASED.replace("]]}]", '], ["#own", ["ms", "npm:{}"]]]}]')


@pytest.mark.parametrize(
    ("extension", "version", "differs"),
    [
        ("npm:ms@^1.0.0", "1.0.0", False),  # seen in toss/slash: chalk@* gets #ansi-styles
        ("npm:ms@^1.0.0", "2.0.0", True),
        ("", "1.0.0", True),
    ],
)
def test_what_extensions_of_the_settings_add(
    extension: str, version: str, *, differs: bool
) -> None:
    state = STATE.replace(ALIASED, EXTENDED.replace("{}", version))
    assert state != STATE
    settings = f'packageExtensions:\n  lib@*:\n    dependencies:\n      "#own": "{extension}"\n'
    files = {
        ".pnp.data.json": state.encode(),
        ".yarnrc.yml": settings.encode() if extension else b"",
    }
    lock = LOCK.replace('"one@npm:ms@^1.0.0"', '"#own@npm:ms@^1.0.0, one@npm:ms@^1.0.0"')
    lockfile = read_lockfile("yarn.lock", lock.encode(), files.get)
    found = [each for each in lockfile.disagreements({}) if each.code == "pnp-differs"]
    assert bool(found) is differs, found


def test_a_peer_that_yarn_adds_itself_is_asked_for_by_nobody() -> None:
    """Seen in toss/slash: eslint-module-utils passes a parser on, which yarn.lock does not say."""
    passing = ["mid", "virtual:00#npm:1.0.0"]
    state = json.loads(STATE)
    packages = state["packageRegistryData"]
    top = packages[0][1][0][1]["packageDependencies"]
    packages[1][1][0][1]["packageDependencies"].insert(0, passing)
    top.insert(0, passing)
    packages.append(["mid", [row("mid", "npm:1.0.0"), row("mid", passing[1], ["pp", BOUND])]])
    lock = LOCK.replace("  lib: \"file:", "  mid: \"npm:1.0.0\"\n    lib: \"file:") + entry(
        "mid@npm:1.0.0", "mid@npm:1.0.0", "1.0.0", SUM, *HARD
    )  # fmt: skip
    files = {".pnp.data.json": json.dumps(state).encode()}
    lockfile = read_lockfile("yarn.lock", lock.encode(), files.get)
    assert [each for each in lockfile.disagreements({}) if each.code == "pnp-differs"] == []


@pytest.mark.parametrize(
    ("settings", "old", "new", "differs"),
    [
        ("pnpMode: loose\n", '"fallbackPool": []', '"fallbackPool": [["ms", "npm:1.0.0"]]', False),
        ("pnpMode: loose\n", '"fallbackPool": []', '"fallbackPool": [["ms", "npm:9.0.0"]]', True),
        ("pnpMode: loose\n", '"fallbackPool": []', '"fallbackPool": [["x", ["ms", "npm:1.0.0"]]]', True),
        ("cacheFolder: ./zips\n", "./.yarn/cache/", "./zips/", False),
        ("cacheFolder: ./zips\n", "./.yarn/cache/", "./.yarn/cache/", True),
        ("cacheFolder: ../zips\n", "./.yarn/cache/", "../zips/", True),
    ],
)  # fmt: skip
def test_settings_say_where_archives_are_and_what_is_hoisted(
    settings: str, old: str, new: str, *, differs: bool
) -> None:
    text = f"const RAW_RUNTIME_STATE =\n'{STATE.replace(old, new)}';\n"
    files = {".pnp.cjs": text.encode(), ".yarnrc.yml": settings.encode()}
    lockfile = read_lockfile("yarn.lock", LOCK.encode(), files.get)
    found = [each for each in lockfile.disagreements({}) if each.code == "pnp-differs"]
    assert bool(found) is differs, found


@pytest.mark.parametrize(
    ("settings", "store"),
    [
        ("", ".yarn/cache/"), ("cacheFolder: ./zips\n", "zips/"), ("cacheFolder: ../zips\n", ".yarn/cache/"),
        ("cacheFolder: /tmp\n", ".yarn/cache/"), ("cacheFolder: ${X}\n", ".yarn/cache/"),
        ("cacheFolder: .\n", ".yarn/cache/"),
    ],
)  # fmt: skip
def test_the_archives_of_the_cache_folder_are_hashed(settings: str, store: str) -> None:
    lockfile = read_lockfile("yarn.lock", LOCK.encode(), {".yarnrc.yml": settings.encode()}.get)
    assert lockfile.store == store
