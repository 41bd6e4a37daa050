"""Which registry is asked, and who gives the token, the proxy and the certificates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from npm_vetted.errors import UndecidedError
from npm_vetted.registry.settings import DEFAULT, RegistrySettings, Url, load_settings

ONLY_YOURS = "only your own .npmrc may give a secret to this host"


def settings(
    tmp_path: Path,
    npmrc: str = "",
    environment: Mapping[str, str] | None = None,
    project: str | None = None,
    **options: object,
) -> RegistrySettings:
    (tmp_path / ".npmrc").write_text(npmrc)
    committed = None if project is None else (".npmrc", project.encode())
    return load_settings(
        {"HOME": str(tmp_path), **(environment or {})},
        project=committed,
        **options,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("npmrc", "environment", "committed", "package", "url"),
    [
        ("", {}, None, "p", DEFAULT),
        ("registry=https://mine.example", {}, None, "p", "https://mine.example/"),
        ("registry=https://mine.example", {}, "https://ours.example/npm", "p",
         "https://ours.example/npm/"),
        ("registry=https://mine.example", {"NPM_CONFIG_REGISTRY": "https://env.example/"}, None,
         "p", "https://env.example/"),
        ("@acme:registry=https://acme.example/\n", {}, None, "@acme/p", "https://acme.example/"),
        ("@acme:registry=https://acme.example/\n", {}, None, "acme", DEFAULT),
        ("registry=http://localhost:4873", {}, None, "p", "http://localhost:4873/"),
    ],
)  # fmt: skip
def test_the_registry_of_a_package(
    tmp_path: Path,
    npmrc: str,
    environment: dict[str, str],
    committed: str | None,
    package: str,
    url: str,
) -> None:
    found = settings(tmp_path, npmrc, environment, registry_of=lambda _: committed)
    assert str(found.registry(package)) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://registry.example/",
        "http://127.evil.example/",
        "http://localhost.evil.example/",
        "ftp://registry.example/",
        "https://token@registry.example/",
        "https://registry.example/../",
        "https://registry.example\\.evil.example/",
        "https://registry.example/#x",
        "https://régistry.example/",
        "git.sh",
    ],
)
def test_a_registry_that_is_not_asked(tmp_path: Path, url: str) -> None:
    with pytest.raises(UndecidedError):
        settings(tmp_path, registry_of=lambda _: url).registry("p")


@pytest.mark.parametrize(
    ("npmrc", "url", "header"),
    [
        ("//r.example/:_authToken=t", "https://r.example/p", "Bearer t"),
        ("//r.example/:_authToken=t", "https://r.example:443/p", "Bearer t"),
        ("//R.example/:_authToken=t", "https://r.EXAMPLE/p", "Bearer t"),
        ("//r.example/:_authToken=t", "https://r.example:8443/p", None),
        ("//r.example/:_authToken=t", "https://r.example.evil.example/p", None),
        ("//r.example/:_authToken=t", "https://evil-r.example/p", None),
        ("//r.example/:_authToken=t", "http://localhost/p", None),
        ("//r.example/npm/:_authToken=t", "https://r.example/npm/p", "Bearer t"),
        ("//r.example/npm:_authToken=t", "https://r.example/npm/p", "Bearer t"),
        ("//r.example/npm/:_authToken=t", "https://r.example/npm", "Bearer t"),
        ("//r.example/npm/:_authToken=t", "https://r.example/npm-evil/p", None),
        ("//r.example/npm/:_authToken=t", "https://r.example/NPM/p", None),
        ("//r.example/:_authToken=a\n//r.example/npm/:_authToken=b", "https://r.example/npm/p",
         "Bearer b"),
        ("//r.example/:_auth=dTpw", "https://r.example/p", "Basic dTpw"),
        ("//r.example/:username=u\n//r.example/:_password=cA==", "https://r.example/p",
         "Basic dTpw"),
        ("_authToken=t", "https://registry.npmjs.org/p", None),
        ("//r.example/:_authToken=${TOKEN}", "https://r.example/p", "Bearer from-env"),
        ("//r.example/:_authToken=${UNSET}", "https://r.example/p", None),
        ("//r.example/:_authToken=a\\u000ab", "https://r.example/p", "Bearer a\\u000ab"),
        ('//r.example/:_authToken="a\\nX-Evil: 1"', "https://r.example/p", None),
    ],
)  # fmt: skip
def test_the_credential_for_an_address(
    tmp_path: Path, npmrc: str, url: str, header: str | None
) -> None:
    found = settings(tmp_path, npmrc, {"TOKEN": "from-env"})
    assert found.credential(Url.parse(url)) == header


def test_a_committed_file_reads_a_secret_only_for_a_trusted_host(tmp_path: Path) -> None:
    project = (
        "//registry.npmjs.org/:_authToken=${NPM_TOKEN}\n"
        "//evil.example/:_authToken=${AWS_SECRET_ACCESS_KEY}\n"
    )
    environment = {"NPM_TOKEN": "npm", "AWS_SECRET_ACCESS_KEY": "aws"}
    found = settings(tmp_path, "", environment, project)
    assert found.credential(Url.parse("https://registry.npmjs.org/p")) == "Bearer npm"
    assert found.credential(Url.parse("https://evil.example/p")) is None
    assert found.ignored == (f".npmrc, line 2: //evil.example/:_authToken: {ONLY_YOURS}",)


def test_the_persons_own_file_may_read_it_for_any_host(tmp_path: Path) -> None:
    npmrc = "//corp.example/:_authToken=${CORP}\n"
    found = settings(tmp_path, npmrc, {"CORP": "secret"})
    assert found.credential(Url.parse("https://corp.example/p")) == "Bearer secret"


def test_a_committed_file_gives_no_proxy_and_no_certificates(tmp_path: Path) -> None:
    project = "proxy=http://evil.example:1\nhttps-proxy=http://evil.example:1\ncafile=evil.pem\n"
    found = settings(tmp_path, project=project)
    assert (found.proxies, found.cafile) == ({}, None)


@pytest.mark.parametrize(
    ("npmrc", "environment", "url", "proxy"),
    [
        ("", {}, "https://r.example/", None),
        ("", {"HTTPS_PROXY": "http://proxy:3128"}, "https://r.example/", "http://proxy:3128"),
        ("", {"https_proxy": "proxy:3128"}, "https://r.example/", "http://proxy:3128"),
        ("", {"http_proxy": "http://proxy:3128"}, "https://r.example/", "http://proxy:3128"),
        ("https-proxy=http://own:1", {"HTTPS_PROXY": "http://proxy:3128"}, "https://r.example/",
         "http://own:1"),
        ("proxy=http://own:1", {}, "http://localhost:4873/", None),
        ("", {"HTTPS_PROXY": "http://proxy:1", "NO_PROXY": "other.example, .example"},
         "https://r.example/", None),
        ("noproxy=r.example", {"HTTPS_PROXY": "http://proxy:1"}, "https://r.example/", None),
        ("", {"HTTPS_PROXY": "http://proxy:1", "NO_PROXY": "ample"}, "https://r.example/",
         "http://proxy:1"),
        ("", {"HTTPS_PROXY": "http://proxy:1", "NO_PROXY": "*"}, "https://r.example/", None),
    ],
)  # fmt: skip
def test_the_proxy_on_the_way(
    tmp_path: Path, npmrc: str, environment: dict[str, str], url: str, proxy: str | None
) -> None:
    assert settings(tmp_path, npmrc, environment).proxy(Url.parse(url)) == proxy


def test_cafile_and_userconfig_from_the_environment(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("registry=https://other.example/\ncafile=/own.pem\n")
    found = settings(
        tmp_path, "registry=https://home.example/", {"npm_config_userconfig": str(other)}
    )
    assert str(found.registry("p")) == "https://other.example/"
    assert found.cafile == "/own.pem"


def test_no_home_no_settings() -> None:
    assert str(load_settings({}).registry("p")) == DEFAULT


def test_settings_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / ".npmrc").mkdir()
    with pytest.raises(UndecidedError, match="your npm settings cannot be read"):
        load_settings({"HOME": str(tmp_path)})


def test_a_secret_is_in_no_repr(tmp_path: Path) -> None:
    found = settings(tmp_path, "//r.example/:_authToken=s3cret\nhttps-proxy=http://u:s3cret@p:1\n")
    assert "s3cret" not in repr(found)
