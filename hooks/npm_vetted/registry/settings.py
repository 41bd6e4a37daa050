"""Settings for reaching a registry: its URL, token, proxy and certificates. No network here.

The project's settings decide which registry a package comes from. The person's settings decide how
it is reached: tokens, proxies and certificates come from their own ``.npmrc`` and environment. A committed file
that could name a proxy and a certificate, or put ``${ANY_SECRET}`` beside any host, would be a way
to read the secrets of the person who looks at the commit.
"""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from npm_vetted.clients.shared.logins import user_logins
from npm_vetted.errors import UndecidedError
from npm_vetted.formats.npmrc import NpmrcSetting, effective, load_npmrc
from npm_vetted.formats.terminal_text import line, printable

DEFAULT: Final = "https://registry.npmjs.org/"

_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[^\s?#\\]*)?(?P<query>\?[^\s#\\]*)?",
    re.IGNORECASE | re.ASCII,
)
_DOTS: Final = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
_VARIABLE: Final = re.compile(r"\$\{([^${}?:-]+)\??\}")
_LOOPBACK: Final = re.compile(r"localhost|127(?:\.[0-9]{1,3}){3}|\[::1\]")
_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Url:
    """An address that may be fetched: https, or http on this machine, without ambiguous parts."""

    scheme: str
    host: str
    port: int
    path: str
    query: str = ""

    @classmethod
    def parse(cls, text: str) -> Url:
        """Raises UndecidedError for any other scheme, for user:password@, ``..`` and the like."""
        match = _URL.fullmatch(text) if text.isascii() and text.isprintable() else None
        if match is None or _DOTS.search(match["path"] or ""):
            raise UndecidedError(f"not the URL of a registry or tarball: {line(text)!r}")
        scheme = match["scheme"].lower()
        port = int(match["port"] or _PORTS[scheme])
        url = cls(scheme, match["host"].lower(), port, match["path"] or "/", match["query"] or "")
        if scheme == "http" and not url.is_loopback:
            raise UndecidedError(
                f"{url} is not asked over plain http: anyone on the way could change the answer",
                fix="name the registry by its https URL",
            )
        return url

    @property
    def is_loopback(self) -> bool:
        """Whether it is this very machine."""
        return _LOOPBACK.fullmatch(self.host) is not None

    @property
    def origin(self) -> str:
        """Host and port as npm writes them before a credential: ``//host`` or ``//host:4873``."""
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"//{self.host}{port}"

    def __str__(self) -> str:
        return f"{self.scheme}:{self.origin}{self.path}{self.query}"


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential that is sent to one host, below one path only."""

    prefix: str
    header: str = field(repr=False)

    def is_for(self, url: Url) -> bool:
        """Whether an address is the one that this credential belongs to, or below it."""
        return f"{url.origin}{url.path}/".startswith(self.prefix)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySettings:
    """All settings that decide a request's destination and its credentials.

    ``registry_of`` is the registry in the committed settings for a package
    (``Client.registry_of``), or None; then the person's own settings count, and then npm's
    registry.
    """

    registry_of: Callable[[str], str | None] = lambda _: None
    registries: Mapping[str, str] = field(default_factory=dict)
    credentials: tuple[Credential, ...] = ()
    ignored: tuple[str, ...] = ()
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    no_proxy: tuple[str, ...] = ()
    cafile: str | None = None
    extra_cafile: str | None = None

    def registry(self, package: str) -> Url:
        """The registry of a package, its path ending with a slash."""
        scope = package.partition("/")[0] if package.startswith("@") else ""
        text = (
            self.registry_of(package)
            or self.registries.get(scope)
            or self.registries.get("")
            or DEFAULT
        )
        return Url.parse(text if text.endswith("/") else text + "/")

    def credential(self, url: Url) -> str | None:
        """The Authorization header for an address: of the longest prefix that it is below."""
        matching = [found for found in self.credentials if found.is_for(url)]
        return max(matching, key=lambda found: len(found.prefix)).header if matching else None

    def proxy(self, url: Url) -> str | None:
        """The proxy on the way to an address."""
        if url.is_loopback or any(_is_below(url.host, domain) for domain in self.no_proxy):
            return None
        return self.proxies.get(url.scheme)


def _is_below(host: str, domain: str) -> bool:
    domain = domain.strip().lower().partition(":")[0].removeprefix("*").lstrip(".")
    return domain in ("", host) or host.endswith("." + domain)


def load_settings(
    environment: Mapping[str, str],
    *,
    registry_of: Callable[[str], str | None] = lambda _: None,
    project: tuple[str, bytes] | None = None,
    trusts: Callable[[str], bool] = lambda url: url.startswith(DEFAULT),
) -> RegistrySettings:
    """The person's settings, with the additions that the project's ``.npmrc`` may make.

    ``project`` is that file's path and content. Its ``${VAR}`` is resolved only where ``trusts``
    (the policy's allowed registries, as they were before the change) says that the host may have
    it.
    """
    variables = {key.lower(): value for key, value in environment.items()}
    user = _user_file(environment, variables)
    settings = load_npmrc(str(user[0]), user[1]) if user is not None else ()
    committed = load_npmrc(*project) if project is not None else ()
    ignored: list[str] = []
    yours = _Reader(settings, environment, lambda _: True, "your .npmrc", ignored)
    theirs = _Reader(committed, environment, trusts, project[0] if project else "", ignored)
    others = tuple(_of_other_clients(environment, ignored))
    return RegistrySettings(
        registry_of=registry_of,
        registries=_registries(yours, variables),
        credentials=(*yours.credentials(), *theirs.credentials(), *others),
        ignored=tuple(ignored),
        proxies=_proxies(yours, variables),
        no_proxy=_no_proxy(yours, variables),
        cafile=variables.get("npm_config_cafile") or yours.text("cafile"),
        extra_cafile=environment.get("NODE_EXTRA_CA_CERTS") or None,
    )


def _of_other_clients(environment: Mapping[str, str], ignored: list[str]) -> Iterator[Credential]:
    """The settings in other clients' files of the person's home folder; npm's own file comes first."""
    home = home_folder(environment)
    for login in user_logins(Path(home), environment) if home else ():
        if isinstance(login, str):
            ignored.append(printable(login))
            continue
        try:
            url = Url.parse(login.url)
        except UndecidedError:  # the URL itself is not shown: it may hold a password
            ignored.append("a login in your home folder: not the https URL of a registry")
            continue
        if login.header.isprintable() and login.header.isascii():
            path = url.path.strip("/")
            yield Credential(f"{url.origin}/{path}/" if path else f"{url.origin}/", login.header)


def home_folder(environment: Mapping[str, str], platform: str = sys.platform) -> str | None:
    """The user's folder, as npm takes it: on Windows another HOME (Git Bash's) does not count."""
    names = ("USERPROFILE", "HOME") if platform == "win32" else ("HOME", "USERPROFILE")
    return next((found for name in names if (found := environment.get(name))), None)


def _user_file(
    environment: Mapping[str, str], variables: Mapping[str, str]
) -> tuple[Path, bytes] | None:
    named = variables.get("npm_config_userconfig")
    home = home_folder(environment)
    if not named and not home:
        return None
    path = Path(named) if named else Path(home or "") / ".npmrc"
    try:
        return path, path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UndecidedError(f"your npm settings cannot be read: {path}: {reason}") from None


@dataclass(frozen=True, slots=True)
class _Reader:
    """One ``.npmrc`` with the variables that it may use; refused ones are recorded."""

    settings: tuple[NpmrcSetting, ...]
    environment: Mapping[str, str]
    trusts: Callable[[str], bool]
    source: str
    ignored: list[str]

    def text(self, key: str) -> str | None:
        found = effective(self.settings, key)
        if found is None or not isinstance(found.value, str):
            return None
        return self._resolved(found.value, key, found.line, DEFAULT)

    def _resolved(self, text: str, key: str, number: int, url: str) -> str | None:
        """Text with its variables; None, with a word why, where one has no value or may not."""
        missing = [name for name in _VARIABLE.findall(text) if name not in self.environment]
        rest = _VARIABLE.sub("", text)
        where = f"{self.source}, line {number}: {key}"
        if missing or "${" in rest:
            self.ignored.append(printable(f"{where}: a variable that is not set"))
            return None
        if rest != text and not self.trusts(url):
            self.ignored.append(
                printable(f"{where}: only your own .npmrc may give a secret to this host")
            )
            return None
        return _VARIABLE.sub(lambda match: self.environment[match[1]], text)

    def credentials(self) -> Iterator[Credential]:
        """A token or a user's name and password, each for its host and path."""
        prefixes = dict.fromkeys(
            setting.key.rpartition(":")[0] for setting in self.settings if _is_secret(setting.key)
        )
        for prefix in prefixes:
            header = self._header(prefix)
            if header is not None and header.isprintable() and header.isascii():
                host, _, path = prefix[2:].rstrip("/").partition("/")
                yield Credential(
                    f"//{host.lower()}/{path}/" if path else f"//{host.lower()}/", header
                )

    def _header(self, prefix: str) -> str | None:
        token = self._secret(prefix, "_authToken")
        if token:
            return f"Bearer {token}"
        basic = self._secret(prefix, "_auth")
        if basic:
            return f"Basic {basic}"
        user, password = self._secret(prefix, "username"), self._secret(prefix, "_password")
        if not user or not password:
            return None
        try:
            pair = user.encode() + b":" + base64.b64decode(password)
        except ValueError:
            return None
        return f"Basic {base64.b64encode(pair).decode()}"

    def _secret(self, prefix: str, key: str) -> str | None:
        found = effective(self.settings, f"{prefix}:{key}")
        if found is None or not isinstance(found.value, str):
            return None
        url = f"https:{prefix}" if prefix.endswith("/") else f"https:{prefix}/"
        return self._resolved(found.value, f"{prefix}:{key}", found.line, url)

    def scopes(self) -> Iterator[tuple[str, str]]:
        for setting in self.settings:
            if setting.key.startswith("@") and setting.key.endswith(":registry"):
                url = self.text(setting.key)
                if url is not None:
                    yield setting.key.removesuffix(":registry"), url


def _is_secret(key: str) -> bool:
    prefix, _, name = key.rpartition(":")
    return prefix.startswith("//") and name in ("_authToken", "_auth", "username", "_password")


def _registries(yours: _Reader, variables: Mapping[str, str]) -> dict[str, str]:
    found = dict(yours.scopes())
    default = variables.get("npm_config_registry") or yours.text("registry")
    if default:
        found[""] = default
    return found


def _proxies(yours: _Reader, variables: Mapping[str, str]) -> dict[str, str]:
    """As npm: its own settings before the environment's; https falls back to the one for http."""
    plain = variables.get("npm_config_proxy") or yours.text("proxy") or variables.get("http_proxy")
    secure = (
        variables.get("npm_config_https_proxy")
        or yours.text("https-proxy")
        or variables.get("https_proxy")
        or plain
    )
    found = {"http": plain, "https": secure}
    return {scheme: _proxy_url(url) for scheme, url in found.items() if url}


def _proxy_url(text: str) -> str:
    parts = urlsplit(text if "://" in text else f"http://{text}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UndecidedError(f"not a proxy's URL: {line(parts.hostname or parts.scheme)!r}")
    return parts.geturl()


def _no_proxy(yours: _Reader, variables: Mapping[str, str]) -> tuple[str, ...]:
    text = variables.get("npm_config_noproxy") or yours.text("noproxy") or variables.get("no_proxy")
    return tuple(part for part in re.split(r"[,\s]+", text or "") if part)
