"""The registry client, against a real Verdaccio and against answers that no registry should give."""

from __future__ import annotations

import gzip
import json
import os
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from npm_vetted.errors import UndecidedError
from npm_vetted.model import Published
from npm_vetted.registry import RecentPackuments, Registry, progress_bar
from npm_vetted.registry.cache import cache_folder
from npm_vetted.registry.fetch import Patience
from npm_vetted.registry.packument import read_packument
from npm_vetted.registry.settings import home_folder, load_settings
from tests.support.answers import Answer, Server, body, redirect, serving
from tests.support.tarballs import integrity_of, package_of
from tests.support.verdaccio import Verdaccio

NOT_FOUND = "answered 404 Not Found (no token was sent: your .npmrc has none)"
QUICK = Patience(
    connect=2, read=2, total=3, pause=0.01, attempts=3, packument=2_000_000, tarball=2_000_000
)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


@pytest.fixture
def elsewhere() -> Iterator[Server]:
    with serving() as found:
        yield found


def registry_at(
    url: str,
    *,
    npmrc: str = "",
    cache: Path | None = None,
    patience: Patience = QUICK,
) -> Registry:
    """A client for one registry, with what is in the person's own .npmrc."""
    Path(os.environ["HOME"], ".npmrc").write_text(npmrc)
    return Registry(
        load_settings(os.environ, registry_of=lambda _: url), cache=cache, patience=patience
    )


def packument(name: str = "p", url: str = "http://127.0.0.1:1/", **version: Any) -> bytes:
    data = {
        "name": name,
        "dist-tags": {"latest": "1.0.0"},
        "time": {"created": "2020-01-01T00:00:00.000Z", "1.0.0": "2020-02-03T04:05:06.789Z"},
        "versions": {
            "1.0.0": {
                "name": name,
                "version": "1.0.0",
                "dist": {"tarball": f"{url}p/-/p-1.0.0.tgz", "integrity": integrity_of(b"p")},
                **version,
            }
        },
    }
    return json.dumps(data).encode()


def undecided(registry: Registry, name: str = "p", version: str = "1.0.0") -> str:
    with pytest.raises(UndecidedError) as caught:
        registry.version(name, version)
    return caught.value.message


# -- what a note records, from a real registry --------------------------------------------------


@pytest.fixture(scope="module")
def recorded(verdaccio: Verdaccio) -> Verdaccio:
    """A package as npm's registry would describe it."""
    verdaccio.publish(
        "recorded",
        "1.0.0",
        scripts={"postinstall": "node x.js", "test": "x"},
        repository={"type": "git", "url": "git+https://github.com/acme/recorded.git"},
    )
    verdaccio.publish("@scope/recorded", "2.0.0")

    def describe(data: dict[str, Any]) -> None:
        data["time"]["1.0.0"] = "2024-03-25T14:12:02.000Z"
        data["versions"]["1.0.0"] |= {
            "maintainers": [{"name": "ada", "email": "ada@example.com"}],
            "_npmUser": {"name": "ada", "email": "ada@example.com"},
            "deprecated": "use \x1b[31manother",
        }

    verdaccio.edit("recorded", describe)
    return verdaccio


def test_what_a_note_records(recorded: Verdaccio) -> None:
    registry = registry_at(recorded.url)
    found = registry.version("recorded", "1.0.0")
    integrity = registry.packument("recorded").release("1.0.0").integrity
    assert integrity is not None
    assert integrity.startswith("sha512-")
    assert found == Published(
        published=datetime(2024, 3, 25, 14, 12, 2, tzinfo=UTC),
        integrity=integrity,
        scripts=("postinstall",),
        evidence={
            "latest": "1.0.0",
            "maintainers": ["ada <ada@example.com>"],
            "publisher": "ada <ada@example.com>",
            "repository": "git+https://github.com/acme/recorded.git",
            "licence": "MIT",
            "deprecated": "use \\u{1b}[31manother",
        },
    )


def test_many_at_once_each_with_its_own_answer(recorded: Verdaccio) -> None:
    pairs = [
        ("recorded", "1.0.0"),
        ("recorded", "9.9.9"),
        ("@scope/recorded", "2.0.0"),
        ("no-such-package", "1.0.0"),
        ("../recorded", "1.0.0"),
    ]
    found = registry_at(recorded.url).versions([*pairs, *pairs])
    assert list(found) == pairs
    said = [
        each.message if isinstance(each, UndecidedError) else "found" for each in found.values()
    ]
    assert said == [
        "found",
        "recorded@9.9.9 does not exist in the registry; its latest is 1.0.0",
        "found",
        f"{recorded.url}no-such-package {NOT_FOUND}",
        "not the name of a package in a registry: '../recorded'",
    ]


def test_progress_is_told_for_each_package(recorded: Verdaccio) -> None:
    told: list[tuple[int, int]] = []
    settings = load_settings(os.environ, registry_of=lambda _: recorded.url)
    registry = Registry(settings, progress=lambda done, total: told.append((done, total)))
    registry.versions([("recorded", "1.0.0"), ("@scope/recorded", "2.0.0")])
    assert told == [(0, 2), (1, 2), (2, 2)]


def test_no_bar_without_a_terminal() -> None:
    assert progress_bar() is None


def test_a_bar_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    show = progress_bar(4)
    assert show is not None
    show(1, 2)
    show(2, 2)
    assert capsys.readouterr().err == "\r[##..] 1/2 packages\r[####] 2/2 packages\r\x1b[K"


def test_a_tarball_from_a_real_registry(recorded: Verdaccio) -> None:
    registry = registry_at(recorded.url)
    release = registry.packument("recorded").release("1.0.0")
    assert sorted(registry.package(release).files) == ["index.js", "package.json"]


def test_a_tarball_that_does_not_match_the_registrys_hash(verdaccio: Verdaccio) -> None:
    verdaccio.publish("forged", "1.0.0")
    verdaccio.replace_tarball("forged", "1.0.0", package_of({"package.json": "{}"}), honest=False)
    registry = registry_at(verdaccio.url)
    with pytest.raises(UndecidedError, match=r"forged@1\.0\.0: the tarball is not the one"):
        registry.package(registry.packument("forged").release("1.0.0"))


def test_a_tarball_that_does_not_match_the_lockfiles_hash(recorded: Verdaccio) -> None:
    registry = registry_at(recorded.url)
    release = registry.packument("recorded").release("1.0.0")
    with pytest.raises(UndecidedError, match="the tarball is not the one that was requested"):
        registry.package(release, integrity_of(b"what the lockfile pins"))


def test_a_private_registry_answers_the_persons_token_only(
    private_verdaccio: Verdaccio, monkeypatch: pytest.MonkeyPatch
) -> None:
    private_verdaccio.publish("secret", "1.0.0")
    url = private_verdaccio.url
    assert "no token was sent" in undecided(registry_at(url), "secret")
    monkeypatch.setenv("DESK_TOKEN", private_verdaccio.token("ada"))
    npmrc = f"{url.removeprefix('http:')}:_authToken=${{DESK_TOKEN}}\n"
    registry = registry_at(url, npmrc=npmrc)
    release = registry.packument("secret").release("1.0.0")
    assert "package.json" in registry.package(release).files


@pytest.mark.slow
def test_a_packument_of_50_megabytes(verdaccio: Verdaccio) -> None:
    verdaccio.publish("huge", "1.0.0")

    def swell(data: dict[str, Any]) -> None:
        data["versions"]["1.0.0"]["description"] = "x" * 50_000_000

    verdaccio.edit("huge", swell)
    registry = registry_at(verdaccio.url, patience=Patience())
    assert len(registry.packument("huge").release("1.0.0").description) == 50_000_000
    assert undecided(registry_at(verdaccio.url), "huge").startswith(f"{verdaccio.url}huge answered")


# -- answers that no registry should give --------------------------------------------------------


def test_a_packument_larger_than_the_limit_is_cut(server: Server) -> None:
    server.answers["/p"] = body(b"x" * 5_000_000)
    assert undecided(registry_at(server.url)) == (
        f"{server.url}p answered with more than 2,000,000 bytes"
    )


def test_an_answer_that_never_ends_is_cut(server: Server) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):
            while True:
                handler.wfile.write(b"x" * 65536)

    server.answers["/p"] = endless
    assert "more than 2,000,000 bytes" in undecided(registry_at(server.url))


def test_a_gzip_bomb_is_cut(server: Server) -> None:
    bomb = gzip.compress(bytes(100_000_000), compresslevel=1)
    server.answers["/p"] = body(bomb, headers={"Content-Encoding": "gzip"})
    assert undecided(registry_at(server.url)) == (
        f"{server.url}p answered with gzip that is refused: it unpacks to more than 2,000,000 bytes"
    )


def test_gzip_is_taken_in(server: Server) -> None:
    server.answers["/p"] = body(gzip.compress(packument()), headers={"Content-Encoding": "gzip"})
    assert registry_at(server.url).version("p", "1.0.0").integrity == integrity_of(b"p")


def test_an_encoding_that_was_not_asked_for(server: Server) -> None:
    server.answers["/p"] = body(packument(), headers={"Content-Encoding": "br"})
    assert "in an encoding that was not requested: 'br'" in undecided(registry_at(server.url))


def _drip(handler: BaseHTTPRequestHandler) -> None:
    """A body of a byte at a time: no read ever times out."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    _drop_by_drop(handler)


def _drip_header(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _drop_by_drop(handler)


def _drop_by_drop(handler: BaseHTTPRequestHandler) -> None:
    with suppress(OSError):
        for _ in range(200):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.05)


@pytest.mark.parametrize("answer", [_drip, _drip_header])
def test_a_slow_answer_times_out(server: Server, answer: Answer) -> None:
    server.answers["/p"] = answer
    start = time.monotonic()
    patience = Patience(connect=1, read=1, total=0.5, pause=0.01)
    message = undecided(registry_at(server.url, patience=patience))
    assert message == f"{server.url}p did not answer within 0.5 seconds"
    assert time.monotonic() - start < 10


def test_silence_times_out_and_is_asked_again(server: Server) -> None:
    server.answers["/p"] = lambda _: time.sleep(0.6)
    patience = Patience(connect=1, read=0.2, total=5, pause=0.01, attempts=2)
    message = undecided(registry_at(server.url, patience=patience))
    assert message.startswith(f"no answer from {server.url}p after 2 attempts: Read timed out")
    assert len(server.asked) == 2


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
        message = undecided(registry_at(url))
    assert message.startswith(f"no answer from {url}p after 3 attempts: ")


def test_a_fault_that_passes(server: Server) -> None:
    faults = iter([503, 429])

    def answer(handler: BaseHTTPRequestHandler) -> None:
        status = next(faults, None)
        (body(b"", status) if status else body(packument()))(handler)

    server.answers["/p"] = answer
    assert registry_at(server.url).version("p", "1.0.0").published is not None
    assert len(server.asked) == 3


def test_an_answer_that_breaks_off(server: Server) -> None:
    server.answers["/p"] = body(b"{", headers={"Content-Length": "100"})
    assert undecided(registry_at(server.url)).startswith(f"no answer from {server.url}p after 3")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"<html>", "it is no JSON"),
        (b"\xff\xfe", "it is no JSON"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b"1" * 5_000, "it is no JSON"),
        (b"[]", "expected a table, found a list"),
        (b"{}", "the key 'name' is missing"),
        (packument("other"), "name: expected 'p', found the string 'other'"),
        (packument(dist=[]), "versions.1.0.0.dist: expected a table, found a list"),
        (packument(dist={"tarball": 1}), "dist.tarball: expected a string, found the number 1"),
        (packument(scripts={"install": 1}), "scripts.install: expected a string, found the number"),
        (packument(scripts="x"), "scripts: expected a table, found the string 'x'"),
        (packument(dependencies=["x"]), "dependencies: expected a table, found a list"),
        (packument(version="1.0.1"), "version: expected '1.0.0', found the string '1.0.1'"),
        (packument(dist={"tarball": "x", "shasum": "\x1b[2J"}), "shasum: expected a hash, found"),
        (packument().replace(b"2020-02-03T", b"yesterday"), "time.1.0.0: expected a time, found"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_broken_answer_names_the_url(server: Server, data: bytes, why: str) -> None:
    server.answers["/p"] = body(data)
    message = undecided(registry_at(server.url))
    assert message.startswith(f"{server.url}p answered with something else: ")
    assert why in message
    assert message.isprintable()


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ({"scripts": {"install": "x", "test": "y"}}, ("install",)),
        ({"scripts": {"prepare": "x", "preinstall": "", "postinstall": "y"}}, ("postinstall",)),
        ({"gypfile": True}, ("install",)),
        ({"gypfile": True, "scripts": {"preinstall": "x"}}, ("preinstall",)),
        ({"scripts": None}, ()),
        ({"scripts": []}, ()),
    ],
)
def test_the_scripts_that_an_install_runs(
    server: Server, version: dict[str, Any], found: tuple[str, ...]
) -> None:
    server.answers["/p"] = body(packument(**version))
    assert registry_at(server.url).version("p", "1.0.0").scripts == found


def test_shapes_of_the_first_years(server: Server) -> None:
    server.answers["/p"] = body(
        packument(
            licenses=[{"type": "MIT", "url": "x"}, "Apache-2.0"],
            repository="acme/p",
            maintainers=["ada", {"name": "bob"}, 3],
            engines=["node"],
            bin="./cli.js",
            deprecated=False,
            dist={"tarball": "x", "shasum": "0" * 40},
        )
    )
    release = registry_at(server.url).packument("p").release("1.0.0")
    assert (release.licence, release.repository, release.bin, release.deprecated) == (
        "MIT, Apache-2.0",
        "acme/p",
        {"p": "./cli.js"},
        None,
    )
    assert [each.name for each in release.maintainers] == ["ada", "bob"]
    assert release.integrity == "sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA="


def test_an_unpublished_package(server: Server) -> None:
    times = {"unpublished": {"time": "2021-05-06T00:00:00Z"}}
    server.answers["/p"] = body(json.dumps({"name": "p", "time": times}).encode())
    assert undecided(registry_at(server.url)) == (
        "p@1.0.0: the whole package was unpublished at 2021-05-06T00:00:00Z"
    )


def test_an_unpublished_version(server: Server) -> None:
    data = {"name": "p", "time": {"1.0.0": "2021-05-06T00:00:00Z"}, "versions": {}}
    server.answers["/p"] = body(json.dumps(data).encode())
    assert undecided(registry_at(server.url)) == (
        "p@1.0.0 was published and is gone from the registry since"
    )


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "@a/b/c", "@a", "a?b", "a#b", "a%2f..", "a b", "-/all", ".x",
     "a\\b", "@a/..", "@../a", "ä", "a" * 215],
)  # fmt: skip
def test_no_name_leads_to_another_endpoint(server: Server, name: str) -> None:
    assert undecided(registry_at(server.url), name).startswith("not the name of a package")
    assert server.asked == []


def test_a_scopes_slash_is_encoded(server: Server) -> None:
    undecided(registry_at(server.url), "@acme/tool")
    assert [each.path for each in server.asked] == ["/@acme%2Ftool"]


# -- where a token goes --------------------------------------------------------------------------


def authorised(server: Server) -> list[tuple[str, str | None]]:
    return [(each.path, each.headers.get("Authorization")) for each in server.asked]


def npmrc_for(server: Server, path: str = "") -> str:
    return f"{server.url.removeprefix('http:')}{path}:_authToken=s3cret\n"


def test_a_token_goes_to_its_host(server: Server) -> None:
    server.answers["/p"] = body(packument())
    registry_at(server.url, npmrc=npmrc_for(server)).version("p", "1.0.0")
    assert authorised(server) == [("/p", "Bearer s3cret")]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_token_never_crosses_a_redirect(server: Server, elsewhere: Server, status: int) -> None:
    server.answers["/p"] = redirect(f"{elsewhere.url}p", status)
    elsewhere.answers["/p"] = body(packument())
    npmrc = npmrc_for(server) + npmrc_for(elsewhere)
    found = registry_at(server.url, npmrc=npmrc).version("p", "1.0.0")
    assert found.integrity == integrity_of(b"p")
    assert authorised(server) == [("/p", "Bearer s3cret")]
    assert authorised(elsewhere) == [("/p", None)]


def test_a_token_does_not_go_to_another_path(server: Server) -> None:
    npmrc = npmrc_for(server, "team/")
    undecided(registry_at(server.url, npmrc=npmrc))
    undecided(registry_at(f"{server.url}team", npmrc=npmrc))
    undecided(registry_at(f"{server.url}team-evil/", npmrc=npmrc))
    assert authorised(server) == [
        ("/p", None),
        ("/team/p", "Bearer s3cret"),
        ("/team-evil/p", None),
    ]


def test_a_token_does_not_go_where_the_packument_points(server: Server, elsewhere: Server) -> None:
    tarball = package_of({"package.json": "{}"})
    dist = {"tarball": f"{elsewhere.url}p.tgz", "integrity": integrity_of(tarball)}
    server.answers["/p"] = body(packument(dist=dist))
    elsewhere.answers["/p.tgz"] = body(tarball)
    registry = registry_at(server.url, npmrc=npmrc_for(server))
    registry.package(registry.packument("p").release("1.0.0"))
    assert authorised(server) == [("/p", "Bearer s3cret")]
    assert authorised(elsewhere) == [("/p.tgz", None)]


def test_the_authorities_are_read_for_an_encrypted_connection_alone(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They take 20 ms to read; an answer that is not encrypted is none over https."""
    read: list[object] = []

    def prepare(**given: object) -> ssl.SSLContext:
        read.append(given)
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    monkeypatch.setattr(ssl, "create_default_context", prepare)
    server.answers["/p"] = body(packument())
    registry_at(server.url).version("p", "1.0.0")
    assert read == []
    said = undecided(registry_at(server.url.replace("http:", "https:")))
    assert "the certificate is not accepted" in said
    assert read == [{"cafile": None}]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://registry.example/p.tgz", "is not asked over plain http"),
        ("file:///etc/passwd", "not the URL of a registry or tarball"),
        ("https://user:word@registry.example/p.tgz", "not the URL of a registry or tarball"),
        ("https://registry.example/a/../p.tgz", "not the URL of a registry or tarball"),
        ("https://registry.example/a/%2e%2E/p.tgz", "not the URL of a registry or tarball"),
        ("https://good.example\\@evil.example/p.tgz", "not the URL of a registry or tarball"),
        ("https://good.example\n.evil.example/p.tgz", "not the URL of a registry or tarball"),
        ("//registry.example/p.tgz", "not the URL of a registry or tarball"),
    ],
)
@pytest.mark.parametrize("way", ["packument", "redirect"])
def test_urls_that_are_not_asked(server: Server, url: str, why: str, way: str) -> None:
    tarball = url if way == "packument" else f"{server.url}p.tgz"
    dist = {"tarball": tarball, "integrity": integrity_of(b"p")}
    server.answers["/p"] = body(packument(dist=dist))
    server.answers["/p.tgz"] = redirect(url.replace("\n", "\x0b"))
    registry = registry_at(server.url)
    with pytest.raises(UndecidedError, match=why):
        registry.tarball(registry.packument("p").release("1.0.0"))


def test_redirects_in_a_circle(server: Server) -> None:
    server.answers["/p"] = redirect("/p")
    assert undecided(registry_at(server.url)) == f"{server.url}p redirects more than 5 times"


# -- the cache -----------------------------------------------------------------------------------


def test_a_packument_is_kept_while_the_registry_confirms_it(server: Server, tmp_path: Path) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        same = handler.headers["If-None-Match"] == '"one"'
        found = body(b"", 304) if same else body(packument(), headers={"ETag": '"one"'})
        found(handler)

    server.answers["/p"] = answer
    first, second = (
        registry_at(server.url, cache=tmp_path).version("p", "1.0.0") for _ in range(2)
    )
    assert first == second
    assert [each.headers.get("If-None-Match") for each in server.asked] == [None, '"one"']


@pytest.mark.parametrize("junk", [b"", b"{}", b"junk", b'{"etag": "x"}\njunk', b"[" * 9999 + b"\n"])
def test_a_damaged_cache_is_no_cache(server: Server, tmp_path: Path, junk: bytes) -> None:
    server.answers["/p"] = body(packument(), headers={"ETag": "x"})
    registry_at(server.url, cache=tmp_path).version("p", "1.0.0")
    (kept,) = (tmp_path / "packuments").iterdir()
    kept.write_bytes(junk)
    assert registry_at(server.url, cache=tmp_path).version("p", "1.0.0").scripts == ()


def test_a_tarball_is_fetched_once_and_checked_each_time(server: Server, tmp_path: Path) -> None:
    tarball = package_of({"package.json": "{}"})
    dist = {"tarball": f"{server.url}p.tgz", "integrity": integrity_of(tarball)}
    server.answers |= {"/p": body(packument(dist=dist)), "/p.tgz": body(tarball)}
    registry = registry_at(server.url, cache=tmp_path)
    release = registry.packument("p").release("1.0.0")
    for _ in range(2):
        assert registry.package(release).files == {"package.json": b"{}"}
    assert [each.path for each in server.asked].count("/p.tgz") == 1
    (kept,) = (tmp_path / "tarballs").iterdir()
    kept.write_bytes(b"tampered with")
    assert registry.tarball(release) == tarball
    assert [each.path for each in server.asked].count("/p.tgz") == 2


def test_bytes_that_a_note_names_are_fetched_once_others_each_time(
    server: Server, tmp_path: Path
) -> None:
    tarball = package_of({"package.json": "{}"})
    dist = {"tarball": f"{server.url}p.tgz", "integrity": integrity_of(tarball)}
    server.answers |= {"/p": body(packument(dist=dist)), "/p.tgz": body(tarball)}
    registry = registry_at(server.url, cache=tmp_path)
    release = registry.packument("p").release("1.0.0")
    for noted, fetched in ((tarball, 1), (tarball, 1), (b"other", 2), (b"other", 3)):
        assert registry.bytes_to_compare(release, integrity_of(noted)) == tarball
        assert [each.path for each in server.asked].count("/p.tgz") == fetched


def test_a_cache_that_cannot_be_written_is_no_cache(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    server.answers["/p"] = body(packument(), headers={"ETag": "x"})
    assert registry_at(server.url, cache=file).version("p", "1.0.0").scripts == ()


@pytest.mark.parametrize(
    ("environment", "platform", "folder"),
    [
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "linux", "/x/npm-vetted"),
        ({"HOME": "/h"}, "linux", "/h/.cache/npm-vetted"),
        ({"HOME": "/h"}, "darwin", "/h/Library/Caches/npm-vetted"),
        ({"LOCALAPPDATA": "/l", "USERPROFILE": "/h"}, "win32", "/l/npm-vetted"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "linux", None),
        ({}, "linux", None),
    ],
)
def test_where_the_cache_is(environment: dict[str, str], platform: str, folder: str | None) -> None:
    assert cache_folder(environment, platform) == (Path(folder) if folder else None)


# -- the public registry -------------------------------------------------------------------------


@pytest.mark.network
@pytest.mark.parametrize(
    ("name", "version", "scripts"),
    [("express", "4.19.2", ()), ("esbuild", "0.19.0", ("postinstall",)),
     ("@types/node", "20.1.0", ())],
)  # fmt: skip
def test_the_public_registry(name: str, version: str, scripts: tuple[str, ...]) -> None:
    registry = Registry(load_settings(os.environ))
    found = registry.version(name, version)
    assert found.published is not None
    assert found.scripts == scripts
    release = registry.packument(name).release(version)
    assert json.loads(registry.package(release).files["package.json"])["version"] == version


@pytest.mark.parametrize(
    ("environment", "platform", "folder"),
    [
        ({"HOME": "/git-bash", "USERPROFILE": "/ada"}, "win32", "/ada"),
        ({"HOME": "/git-bash"}, "win32", "/git-bash"),
        ({"HOME": "/ada", "USERPROFILE": "/x"}, "linux", "/ada"),
        ({}, "linux", None),
    ],
)
def test_the_home_is_npms(environment: dict[str, str], platform: str, folder: str | None) -> None:
    assert home_folder(environment, platform) == folder


def test_packuments_make_room_for_newer_ones() -> None:
    """Those of a whole lockfile would not fit in memory; the last one is kept, whatever its size."""
    kept = RecentPackuments(limit=10)
    found = {name: read_packument("u", name, packument(name)) for name in ("a", "b", "c")}
    kept.keep("a", found["a"], 4)
    kept.keep("b", found["b"], 4)
    assert kept.find("a") is found["a"]
    kept.keep("c", found["c"], 4)
    assert [kept.find(name) for name in ("a", "b", "c")] == [found["a"], None, found["c"]]
    kept.keep("b", found["b"], 40)
    assert [kept.find(name) for name in ("a", "b", "c")] == [None, found["b"], None]
