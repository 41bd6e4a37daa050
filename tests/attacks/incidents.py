"""Known incidents as what they would have added to a lockfile: names and versions are history's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from tests.attacks.lockfiles import Package
from tests.attacks.world import World

CROSSENV_AND_SIBLINGS: Final = [
    "crossenv",
    "babelcli",
    "cross-env.js",
    "d3.js",
    "fabric-js",
    "ffmepg",
    "gruntcli",
    "http-proxy.js",
    "jquery.js",
    "mariadb",
    "mongose",
    "mssql-node",
    "mssql.js",
    "mysqljs",
    "node-fabric",
    "node-opencv",
    "node-opensl",
    "node-openssl",
    "node-sqlite",
    "node-tkinter",
    "nodecaffe",
    "nodefabric",
    "nodeffmpeg",
    "nodemailer-js",
    "nodemailer.js",
    "nodemssql",
    "noderequest",
    "nodesass",
    "nodesqlite",
    "opencv.js",
    "openssl.js",
    "proxy.js",
    "shadowsock",
    "smb",
    "sqlite.js",
    "sqliter",
    "sqlserver",
    "tkinter",
]
"""hacktask's typosquats of 2017."""

CHALK_AND_DEBUG: Final[Mapping[str, str]] = {
    "ansi-regex": "6.2.1",
    "ansi-styles": "6.2.2",
    "backslash": "0.2.1",
    "chalk": "5.6.1",
    "chalk-template": "1.1.1",
    "color-convert": "3.1.1",
    "color-name": "2.0.1",
    "color-string": "2.1.1",
    "debug": "4.4.2",
    "error-ex": "1.3.3",
    "has-ansi": "6.0.1",
    "is-arrayish": "0.3.3",
    "simple-swizzle": "0.2.3",
    "slice-ansi": "7.1.1",
    "strip-ansi": "7.1.1",
    "supports-color": "10.2.1",
    "supports-hyperlinks": "4.1.1",
    "wrap-ansi": "9.0.1",
}
"""The releases of 8 September 2025."""


@dataclass(frozen=True)
class Incident:
    """The packages that were released: each requires the next one, and the project the first."""

    name: str
    released: tuple[Package, ...]

    def happen(self, world: World) -> None:
        world.install(*self.released)


def _scripted(name: str, version: str, **requires: str) -> Package:
    return Package(name=name, version=version, scripts=True, requires=requires)


def _plain(name: str, version: str, requires: Mapping[str, str] | None = None) -> Package:
    return Package(name=name, version=version, requires=requires or {})


def _in_a_row(packages: Mapping[str, str]) -> tuple[Package, ...]:
    """Packages of which each requires the next, so that each is reached."""
    names = list(packages)
    following = {name: {after: packages[after]} for name, after in pairwise(names)}
    return tuple(_plain(name, version, following.get(name)) for name, version in packages.items())


INCIDENTS: Final = (
    Incident(
        "eslint-scope 3.7.2 (2018)",
        (
            Package(
                name="eslint-scope",
                version="3.7.2",
                scripts=True,
                requires={"esrecurse": "^4.1.0", "estraverse": "^4.1.1"},
            ),
        ),
    ),
    Incident(
        "crossenv and its siblings (2017)", _in_a_row(dict.fromkeys(CROSSENV_AND_SIBLINGS, "6.1.1"))
    ),
    Incident(
        "event-stream 3.3.6 with flatmap-stream (2018)",
        (
            _plain("event-stream", "3.3.6", {"flatmap-stream": "^0.1.0"}),
            _plain("flatmap-stream", "0.1.1"),
        ),
    ),
    Incident("ua-parser-js 0.7.29 (2021)", (_scripted("ua-parser-js", "0.7.29"),)),
    Incident("coa 2.0.3 (2021)", (_scripted("coa", "2.0.3"),)),
    Incident("rc 1.2.9 (2021)", (_scripted("rc", "1.2.9"),)),
    Incident("colors 1.4.1 (2022)", (_plain("colors", "1.4.1"),)),
    Incident("faker 6.6.6 (2022)", (_plain("faker", "6.6.6"),)),
    Incident(
        "node-ipc 10.1.1 with peacenotwar (2022)",
        (_plain("node-ipc", "10.1.1", {"peacenotwar": "^9.1.3"}), _plain("peacenotwar", "9.1.5")),
    ),
    Incident("chalk and debug (2025)", _in_a_row(CHALK_AND_DEBUG)),
    Incident(
        "Shai-Hulud (2025)",
        (
            _scripted("@ctrl/tinycolor", "4.1.1", **{"ngx-bootstrap": "18.1.4"}),
            _scripted("ngx-bootstrap", "18.1.4"),
        ),
    ),
    Incident(
        "axios 1.14.1 with plain-crypto-js (2026)",
        (
            _plain("axios", "1.14.1", {"plain-crypto-js": "^4.2.1"}),
            _scripted("plain-crypto-js", "4.2.1"),
        ),
    ),
)

Attack = Callable[[World], None]
