"""Deno's options and variables: what each leaves aside of the lockfile and the settings."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from npm_vetted.clients.deno.commands import read, source_variable
from npm_vetted.clients.deno.options import VALUED, weak_variable, weaknesses
from npm_vetted.clients.shared.command_line import Options
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt, check
from tests.support.real_clients import Clients


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("deno run --no-lock main.ts", ["--no-lock"]), ("deno --no-lock main.ts", ["--no-lock"]),
        ("deno install --no-lock", ["--no-lock"]), ("deno test --no-config", ["--no-config"]),
        ("deno run --lock=other.lock main.ts", ["--lock=other.lock"]),
        ("deno run --lock other.lock main.ts", ["--lock=other.lock"]),
        ("deno run --lock=deno.lock main.ts", []), ("deno run --lock ./deno.lock main.ts", []),
        ("deno run --lock=sub/deno.lock main.ts", ["--lock=sub/deno.lock"]),
        ("deno run --lock --frozen main.ts", []),
        ("deno run -c other.json main.ts", ["--config=other.json"]),
        ("deno run --config=sub/deno.jsonc main.ts", []),
        ("deno cache --import-map=https://a.example/m.json a.ts", ["--import-map=https://a.example/m.json"]),
        ("deno run --import-map m.json main.ts", ["--import-map=m.json"]),
        ("deno add --min-dep-age=0 npm:a", ["--min-dep-age=0"]), ("deno add --min-dep-age=P2D npm:a", []),
        ("deno add --minimum-dependency-age=-1 npm:a", ["--minimum-dependency-age=-1"]),
        ("deno run --vendor main.ts", ["--vendor"]), ("deno run --vendor=false main.ts", []),
        ("deno run --unstable-npm-lazy-caching main.ts", ["--unstable-npm-lazy-caching"]),
        ("deno run --unstable-kv -A -RW=. --allow-net=a --ext ts --reload --no-npm main.ts --no-lock", []),
        ("deno run --nobody-knows main.ts", ["--nobody-knows"]),
        ("deno task --no-lock build", ["--no-lock"]), ("deno task build --no-lock", []),
    ],
)  # fmt: skip
def test_options_that_leave_lockfile_or_settings_aside(words: str, names: list[str]) -> None:
    found = [each for act in read(words.split(), {}) for each in act.weakens]
    assert [each.name for each in found] == names
    for each in found:
        left = [again.name for act in read(each.fix, {}) for again in act.weakens]
        assert not each.fix or each.name not in left


@pytest.mark.parametrize(
    ("name", "text", "weak"),
    [
        ("NPM_CONFIG_MIN_RELEASE_AGE", "0", True), ("npm_config_min_release_age", "3", False),
        ("DENO_TSC_BIN", "./tsc", True), ("DENO_INTERNAL_X", "1", True), ("DENO_DIR", ".deno", False),
        ("DENO_VERSION", "2.9.6", False), ("NODE_ENV", "production", False),
    ],
)  # fmt: skip
def test_variables_that_leave_settings_aside(name: str, text: str, *, weak: bool) -> None:
    assert (weak_variable(name, text) is not None) is weak


@pytest.mark.parametrize(
    ("name", "setting"),
    [("JSR_URL", "@jsr:registry"), ("DENO_CERT", "cafile"), ("NPM_CONFIG_REGISTRY", "registry"),
     ("DENO_DIR", None)],
)  # fmt: skip
def test_variables_that_say_where_packages_come_from(name: str, setting: str | None) -> None:
    assert source_variable(name) == setting


@pytest.mark.slow
def test_every_listed_option_is_judged_or_harmless(clients: Clients) -> None:
    """What the real Deno lists: none is unknown."""
    verbs = "run serve eval test bench check cache compile "
    verbs += "install add ci update task x remove"
    unknown = set()
    for verb in verbs.split():
        said = clients.run("deno2.9", verb, "--help", cwd=Path.cwd()).stdout
        for name, value in re.findall(r"^ +(?:-\w, )?--([a-z0-9-]+)( \[?<)?", said, re.MULTILINE):
            assert name in VALUED or not value or name in ("compress", "install-alias", "lock"), (
                name
            )
            found = weaknesses((), Options([(name, None)], []))
            unknown |= {each.name for each in found if not each.certain}
    assert unknown == set()


COMMANDS = {
    "deno run --no-lock main.ts": "settings-aside",
    "deno run --unsafely-ignore-certificate-errors main.ts": "other-source",
    "deno run --cert=ca.pem main.ts": "other-source",
    "JSR_URL=https://evil.example/ deno run main.ts": "other-source",
    "NPM_CONFIG_MIN_RELEASE_AGE=0 deno add npm:a@1.0.0": "settings-aside",
    "export DENO_TSC_BIN=./tsc": "settings-aside",
    "deno run https://a.example/x.ts": "unpinned",
    "deno run --lock=deno.lock https://a.example/x.ts": None,
    "deno run --lock=deno.lock https://a.example/y.ts": "unpinned",
    "deno x https://a.example/x.ts": None,
    "deno cache https://a.example/x.ts": None,
    "deno install -g https://a.example/x.ts": "unpinned",
    'deno task --eval "deno install --allow-scripts"': "scripts-on",
    "deno task build && deno run -A main.ts": None,
    "deno run --who-knows main.ts": "undecided",
}


def test_a_script_with_such_commands(git_repo: GitRepo) -> None:
    git_repo.write("deno.json", json.dumps({"imports": {"x": "https://a.example/x.ts"}}))
    lock = {"version": "5", "remote": {"https://a.example/x.ts": "0" * 64}}
    git_repo.write("deno.lock", json.dumps(lock))
    adopt(git_repo)
    git_repo.commit("Begin")
    git_repo.write("run.sh", "\n".join(["#!/bin/sh", *COMMANDS]) + "\n")
    done = check(git_repo, "install-command")
    codes = {each["line"] - 2: each["code"] for each in done.findings}
    assert {text: codes.get(at) for at, text in enumerate(COMMANDS)} == COMMANDS
