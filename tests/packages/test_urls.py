"""Which URLs are an allowed registry, and which package a tarball's URL names."""

from __future__ import annotations

import time
from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from npm_vetted.packages.urls import Registries, is_pinned, is_tarball_of, tarball_of

NPM = "https://registry.npmjs.org/"
ACME = "https://npm.acme.example/feeds/js"
MS = "ms/-/ms-2.1.3.tgz"


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        (NPM, f"{NPM}{MS}"),
        (NPM, "https://registry.npmjs.org"),
        (NPM, f"https://registry.yarnpkg.com/{MS}#574c8138ce1d2b5861f0b44579dbadd60c6615b2"),
        ("https://registry.yarnpkg.com", f"{NPM}{MS}"),
        ("https://registry.npmjs.org", f"{NPM}{MS}"),
        (NPM, f"HTTPS://Registry.NPMJS.org/{MS}"),
        (NPM, f"https://registry.npmjs.org:443/{MS}"),
        (NPM, f"{NPM}@babel%2fcore/-/core-7.0.0.tgz"),
        (NPM, f"{NPM}@babel%2Fcore/-/core-7.0.0%2Bbuild.3.tgz"),
        (ACME, f"{ACME}/{MS}"),
        (ACME, f"{ACME}/{MS}?token=none"),
        (ACME, ACME),
        (f"{ACME}/", ACME),
        ("https://npm.acme.example:8443/", f"https://npm.acme.example:8443/{MS}"),
        (
            "https://git.example/api/v4/projects/a%2Fb/",
            f"https://git.example/api/v4/projects/a%2fb/{MS}",
        ),
        ("https://[::1]:4873", f"https://[::1]:4873/{MS}"),
    ],
)
def test_allowed(allowed: str, url: str) -> None:
    assert Registries((allowed,)).allows(url)


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        pytest.param(NPM, f"http://registry.npmjs.org/{MS}", id="not https"),
        pytest.param("http://npm.acme.example/", f"http://npm.acme.example/{MS}", id="never http"),
        pytest.param(NPM, f"//registry.npmjs.org/{MS}", id="no scheme"),
        pytest.param(NPM, MS, id="relative"),
        pytest.param(NPM, f"git+https://registry.npmjs.org/{MS}", id="another scheme"),
        pytest.param(NPM, "", id="empty"),
        pytest.param(NPM, f"https://registry.npmjs.org.evil.example/{MS}", id="longer host"),
        pytest.param(NPM, f"https://evil-registry.npmjs.org/{MS}", id="another subdomain"),
        pytest.param(NPM, f"https://npmjs.org/{MS}", id="parent domain"),
        pytest.param(NPM, f"https://registry.npmjs.org./{MS}", id="trailing dot"),
        pytest.param(NPM, f"https://registry..npmjs.org/{MS}", id="empty label"),
        pytest.param(NPM, f"https://registry.npmjs.org@evil.example/{MS}", id="userinfo as host"),
        pytest.param(NPM, f"https://user:pass@registry.npmjs.org/{MS}", id="userinfo"),
        pytest.param(NPM, f"https://@registry.npmjs.org/{MS}", id="empty userinfo"),
        pytest.param(NPM, f"https://registry.npmjs.org:8443/{MS}", id="another port"),
        pytest.param(NPM, f"https://registry.npmjs.org:/{MS}", id="empty port"),
        pytest.param(NPM, f"https://registry.npmjs.org:0443/{MS}", id="octal port"),
        pytest.param(NPM, f"https://registry.npmjs.org:65979/{MS}", id="port that wraps to 443"),
        pytest.param(NPM, f"https://registry.npmjs.org:80:443/{MS}", id="two ports"),
        pytest.param(NPM, f"https:/registry.npmjs.org/{MS}", id="one slash"),
        pytest.param(NPM, f"https:///registry.npmjs.org/{MS}", id="three slashes"),
        pytest.param(NPM, f"https:\\\\registry.npmjs.org\\{MS}", id="backslashes"),
        pytest.param(
            NPM, f"https://evil.example\\@registry.npmjs.org/{MS}", id="backslash in host"
        ),
        pytest.param(
            NPM, f"https://registry.npmjs.org\\.evil.example/{MS}", id="backslash ends host"
        ),
        pytest.param(NPM, f"{NPM}a\\..\\{MS}", id="backslash in path"),
        pytest.param(NPM, f"{NPM}{MS}?x\\y", id="backslash in query"),
        pytest.param(NPM, f" {NPM}{MS}", id="leading blank"),
        pytest.param(NPM, f"{NPM}{MS}\n", id="trailing newline"),
        pytest.param(NPM, f"https://registry.npm\tjs.org/{MS}", id="tab, which browsers drop"),
        pytest.param(NPM, f"{NPM}m s/-/ms-2.1.3.tgz", id="blank in path"),
        pytest.param(NPM, f"{NPM}m\x00s", id="NUL"),
        pytest.param(NPM, f"https://rеgistry.npmjs.org/{MS}", id="Cyrillic e"),
        pytest.param(NPM, f"https://xn--rgistry-2of.npmjs.org/{MS}", id="punycode of the same"),
        pytest.param("https://k.example/", f"https://\u212a.example/{MS}", id="Kelvin sign"),
        pytest.param("https://s.example/", f"https://\u017f.example/{MS}", id="long s"),
        pytest.param(NPM, f"https://registry%2enpmjs.org/{MS}", id="encoded host"),
        pytest.param(NPM, f"https://registry。npmjs。org/{MS}", id="ideographic full stop"),
        pytest.param(ACME, f"{ACME}-evil/{MS}", id="prefix in the middle of a segment"),
        pytest.param(ACME, f"https://npm.acme.example/{MS}", id="above the path"),
        pytest.param(ACME, f"https://npm.acme.example/Feeds/js/{MS}", id="case of the path"),
        pytest.param(ACME, f"{ACME}/../other/{MS}", id="dot segments"),
        pytest.param(ACME, f"{ACME}/%2e%2E/other/{MS}", id="encoded dot segments"),
        pytest.param(ACME, f"{ACME}/..%2fother/{MS}", id="dot segment before an encoded slash"),
        pytest.param(ACME, f"{ACME}/..;x/other/{MS}", id="dot segment with a parameter"),
        pytest.param(ACME, f"{ACME}/%252e%252e/other/{MS}", id="encoded twice"),
        pytest.param(ACME, f"{ACME}/%5c..%5cother/{MS}", id="encoded backslash"),
        pytest.param(ACME, f"{ACME}/./{MS}", id="single dot"),
        pytest.param(ACME, f"{ACME}%2f{MS}", id="encoded slash at the boundary"),
        pytest.param(ACME, f"{ACME}/%00", id="encoded NUL"),
        pytest.param(ACME, f"{ACME}/%0d%0aHost:evil", id="encoded newline"),
        pytest.param(ACME, f"{ACME}/%zz", id="malformed percent"),
        pytest.param(ACME, f"{ACME}/%c3%a9", id="encoded UTF-8"),
        pytest.param(ACME, f"{ACME}/100%", id="lone percent"),
    ],
)
def test_not_allowed(allowed: str, url: str) -> None:
    assert not Registries((allowed,)).allows(url)


@pytest.mark.parametrize("allowed", ["registry.npmjs.org", "https://", "", "https://u@h.example/"])
def test_a_registry_that_cannot_be_read_allows_nothing(allowed: str) -> None:
    assert not Registries((allowed,)).allows(allowed)
    assert not Registries((allowed,)).allows(f"{NPM}{MS}")


def test_any_of_several_registries_allows() -> None:
    several = Registries((NPM, ACME))
    assert several.allows(f"{NPM}{MS}")
    assert several.allows(f"{ACME}/{MS}")
    assert not several.allows(f"https://npm.acme.example/{MS}")
    assert not Registries(()).allows(f"{NPM}{MS}")


CORE = ("@babel/core", "7.24.0")


@pytest.mark.parametrize(
    ("url", "named"),
    [
        (f"{NPM}{MS}", ("ms", "2.1.3")),
        (f"https://registry.yarnpkg.com/{MS}#574c8138", ("ms", "2.1.3")),
        (f"http://registry.npmjs.org/{MS}", ("ms", "2.1.3")),
        (f"{NPM}@babel/core/-/core-7.24.0.tgz", CORE),
        (f"{NPM}@babel%2fcore/-/core-7.24.0.tgz", CORE),
        (f"{NPM}@babel%2Fcore/-/core-7.24.0.tgz", CORE),
        (f"{NPM}%40babel%2Fcore/-/core-7.24.0.tgz", CORE),
        (f"{NPM}JSONStream/-/JSONStream-1.3.5.tgz", ("JSONStream", "1.3.5")),
        (f"{NPM}a-1.0/-/a-1.0-2.0.0-rc.1.tgz", ("a-1.0", "2.0.0-rc.1")),
        (f"{NPM}x/-/x-1.0.0+build.5.tgz", ("x", "1.0.0+build.5")),
        (f"{NPM}x/-/x-1.0.0%2Bbuild.5.tgz", ("x", "1.0.0+build.5")),
        ("https://acme.example/artifactory/api/npm/npm-repo/ms/-/ms-2.1.3.tgz", ("ms", "2.1.3")),
        ("https://acme.example/artifactory/api/npm/npm/@babel/core/-/@babel/core-7.24.0.tgz", CORE),
        (
            "https://pkgs.example.com/acme/_packaging/feed/npm/registry/@babel/core/-/core-7.24.0.tgz",
            CORE,
        ),
        (
            "https://git.example/api/v4/projects/7/packages/npm/@babel/core/-/@babel/core-7.24.0.tgz",
            CORE,
        ),
        (
            "https://git.example/api/v4/groups/acme/-/packages/npm/@babel/core/-/@babel/core-7.24.0.tgz",
            CORE,
        ),
        ("https://verdaccio.example/@babel/core/-/core-7.24.0.tgz", CORE),
        ("https://mirror.example/@babel/core/download/@babel/core-7.24.0.tgz?cache=0", CORE),
        (
            f"https://npm.pkg.github.com/download/@acme/lib/1.0.0/{'ab' * 20}",
            ("@acme/lib", "1.0.0"),
        ),
        ("https://npm.jsr.io/~/11/@jsr/std__path/1.0.2.tgz", ("@jsr/std__path", "1.0.2")),
        # a file of another name is nobody's version
        (f"{NPM}ms/-/lodash-4.17.21.tgz", ("ms", "lodash-4.17.21")),
        (f"{NPM}@evil/core/-/core-7.24.0.tgz", ("@evil/core", "7.24.0")),
        (f"{NPM}@babel/core/-/@evil/core-7.24.0.tgz", ("@babel/core", "@evil/core-7.24.0")),
        # the public registry has no folders
        (f"{NPM}@evil/x/ms/-/ms-2.1.3.tgz", ("@evil/x/ms", "2.1.3")),
        (f"{NPM}evil/-/ms/-/ms-2.1.3.tgz", ("evil/-/ms", "2.1.3")),
        ("https://acme.example/files/lib-1.0.0.tgz", None),
        (f"{NPM}ms", None),
        (f"{NPM}../{MS}", None),
        (f"https://u:p@registry.npmjs.org/{MS}", None),
        (f"git+ssh://git@github.com/{MS}", None),
        ("file:ms-2.1.3.tgz", None),
        ("", None),
        (f"{NPM}{'a' * 5000}/{MS}", None),
    ],
)
def test_tarball_of(url: str, named: tuple[str, str] | None) -> None:
    assert tarball_of(url) == named


@pytest.mark.parametrize(
    ("url", "version", "expected"),
    [
        (f"{NPM}x/-/x-1.0.0.tgz", "1.0.0", True),
        (f"{NPM}x/-/x-1.0.0.tgz", "1.0.0+build.5", True),
        (f"{NPM}x/-/x-1.0.0%2Bbuild.5.tgz", "1.0.0", True),
        (f"{NPM}x/-/x-1.0.1.tgz", "1.0.0", False),
        (f"{NPM}y/-/y-1.0.0.tgz", "1.0.0", False),
        (f"{NPM}x/-/y-1.0.0.tgz", "1.0.0", False),
        (f"{NPM}x/-/x-1.0.0.tgz", None, None),
        ("https://acme.example/x.tgz", "1.0.0", None),
    ],
)
def test_is_tarball_of(url: str, version: str | None, expected: bool | None) -> None:
    assert is_tarball_of(url, "x", version) is expected


names = st.from_regex(r"(@[a-z0-9][a-z0-9._-]{0,20}/)?[a-z0-9][a-z0-9._-]{0,30}", fullmatch=True)
versions = st.from_regex(
    r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(-[a-z0-9]{1,8}(\.[0-9]{1,3})?)?(\+[a-z0-9.]{1,8})?",
    fullmatch=True,
)


@given(names, versions, st.booleans())
@example("-", "1.0.0", True)
def test_what_a_registry_writes_is_read_back(name: str, version: str, encoded: bool) -> None:
    base = name.rpartition("/")[2]
    folder = quote(name, safe="") if encoded else name
    url = f"{NPM}{folder}/-/{base}-{quote(version) if encoded else version}.tgz"
    assert tarball_of(url) == (name, version)
    assert Registries((NPM,)).allows(url)
    assert is_tarball_of(url, name, version)


hostile = st.text(st.sampled_from("htps:/@.?#%2eEfF5cC\\ \t\n[]1aé-~;+"), max_size=40)


@given(st.one_of(st.text(), hostile, hostile.map("https://registry.npmjs.org/".__add__)))
@example("https://[")
@example("https://[::1")
@example("https://a:99999999999999999999/")
def test_hostile_text_is_answered(url: str) -> None:
    """No crash; and what is allowed, is so for a stricter reader too."""
    tarball_of(url)
    if Registries((NPM,)).allows(url):
        split = urlsplit(url)
        assert split.scheme == "https"
        assert split.hostname in {"registry.npmjs.org", "registry.yarnpkg.com"}
        assert split.port in {None, 443}
        assert split.username is None
        assert ".." not in unquote(split.path).split("/")
        assert not set(url + unquote(split.path)) & set("\\ \t\n")


@pytest.mark.parametrize("piece", ["/", "a/", "@a/", "-/", "%2f", "..", ";", "download/", "@"])
def test_long_urls_take_linear_time(piece: str) -> None:
    start = time.process_time()
    url = f"{NPM}{piece * 200_000}"
    Registries((NPM,)).allows(url)
    tarball_of(url)
    tarball_of(url[:4000])
    is_pinned(url)
    assert time.process_time() - start < 2


SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (f"git+ssh://git@github.com/a/b.git#{SHA}", True),
        (f"https://github.com/a/b.git#{SHA}", True),
        (f"https://git.example/a/b.git#{SHA}&path:packages/c", True),
        (f"b@https://github.com/a/b.git#commit={SHA}", True),
        (f"b@https://github.com/a/b.git#commit={SHA}&workspace=c", True),
        (f"b@https://github.com/a/b.git#workspace=c&commit={SHA}", True),
        ("github:a/b#0123abc", True),
        (f"https://codeload.github.com/a/b/tar.gz/{SHA}", True),
        (f"https://bitbucket.org/a/b/get/{SHA}.tar.gz", True),
        (f"https://gitlab.com/a/b/-/archive/{SHA}/b-{SHA}.tar.gz", True),
        (f"https://gitlab.com/api/v4/projects/a%2Fb/repository/archive.tar.gz?ref={SHA}", True),
        ("git+ssh://git@github.com/a/b.git#main", False),
        ("git+ssh://git@github.com/a/b.git#0123abc", False),
        ("git+ssh://git@github.com/a/b.git#semver:^1.0.0", False),
        ("git+ssh://git@github.com/a/b.git", False),
        ("git+ssh://git@github.com/a/b.git#", False),
        (f"git+ssh://git@github.com/a/{SHA}.git#main", False),
        (f"https://codeload.github.com/a/{SHA}/tar.gz/main", False),
        (f"https://codeload.github.com/a/b/tar.gz/{SHA}#main", False),
        (f"https://github.com/a/b.git#{SHA}#main", False),
        (f"b@https://github.com/a/b.git#branch={SHA}x", False),
        ("https://codeload.github.com/a/b/tar.gz/refs/heads/main", False),
        ("github:a/b#main", False),
        ("github:a/b", False),
    ],
)
def test_what_names_a_commit(source: str, expected: bool) -> None:
    assert is_pinned(source) is expected
