"""How the URLs of tarballs look in each kind of registry, and lockfiles of every client with them.

A row has the registry, the URL that a policy allows, and what comes after it: ``{name}`` is the
package's whole name, ``{base}`` the part after the scope, ``{scope}`` the scope without its ``@``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import quote

from tests.support.npm_projects import sri

SHA: Final = "5c" * 20
VERSION: Final = "1.2.3"
_USUAL: Final = "{name}/-/{base}-1.2.3.tgz"
_SCOPED_FILE: Final = "{name}/-/{name}-1.2.3.tgz"
_AWS: Final = "https://acme-111122223333.d.codeartifact.eu-west-1.amazonaws.com/npm/main/"

LAYOUTS: Final = (
    ("npm", "https://registry.npmjs.org/", _USUAL),
    ("npm, encoded", "https://registry.npmjs.org/", "{encoded}/-/{base}-1.2.3.tgz"),
    ("Yarn's name of it", "https://registry.yarnpkg.com/", _USUAL),
    ("npmmirror", "https://registry.npmmirror.com/", _USUAL),
    ("cdn.npmmirror", "https://cdn.npmmirror.com/", "packages/{name}/1.2.3/{base}-1.2.3.tgz"),
    ("its encoded scope", "https://cdn.npmmirror.com/", "packages/{at}/1.2.3/{base}-1.2.3.tgz"),
    ("taobao", "https://registry.npm.taobao.org/", "{name}/download/{base}-1.2.3.tgz"),
    ("taobao, scoped", "https://registry.npm.taobao.org/", "{name}/download/{name}-1.2.3.tgz"),
    ("cnpm", "https://r.cnpmjs.org/", "{name}/download/{name}-1.2.3.tgz?cache=0&sync_timestamp=1"),
    ("Tencent", "https://mirrors.cloud.tencent.com/npm/", _USUAL),
    ("Huawei", "https://repo.huaweicloud.com/repository/npm/", _USUAL),
    ("GitHub Packages", "https://npm.pkg.github.com/", f"download/{{name}}/1.2.3/{SHA}"),
    ("GitHub, older", "https://npm.pkg.github.com/", f"download/{{name}}/1.2.3/{SHA}{'0' * 24}"),
    ("GitHub Enterprise", "https://npm.github.acme.example/", f"download/{{name}}/1.2.3/{SHA}"),
    ("GitLab.com, project", "https://gitlab.com/api/v4/projects/7/packages/npm/", _SCOPED_FILE),
    ("GitLab.com, by path", "https://gitlab.com/api/v4/projects/a%2Fb/packages/npm/", _USUAL),
    ("GitLab.com, group", "https://gitlab.com/api/v4/groups/acme/-/packages/npm/", _SCOPED_FILE),
    ("GitLab.com, instance", "https://gitlab.com/api/v4/packages/npm/", _SCOPED_FILE),
    ("GitLab", "https://git.acme.example/api/v4/projects/7/packages/npm/", _SCOPED_FILE),
    ("Gitea", "https://git.acme.example/api/packages/acme/npm/", "{at}/-/1.2.3/{base}-1.2.3.tgz"),
    ("Gitea, encoded", "https://gitea.example/api/packages/acme/npm/",
     "{encoded}/-/1.2.3/{base}-1.2.3.tgz"),
    ("Forgejo", "https://codeberg.org/api/packages/acme/npm/",
     "{encoded}/-/1.2.3/{encoded}-1.2.3.tgz"),
    ("Gitea, as npm", "https://gitea2.example/api/packages/acme/npm/", _USUAL),
    ("Azure", "https://pkgs.dev.azure.com/acme/_packaging/feed/npm/registry/", _USUAL),
    ("Azure, project and view",
     "https://pkgs.dev.azure.com/acme/web/_packaging/feed@Release/npm/registry/", _USUAL),
    ("Azure, old host", "https://acme.pkgs.visualstudio.com/_packaging/feed/npm/registry/", _USUAL),
    ("Artifactory", "https://acme.example/artifactory/api/npm/npm-all/", _USUAL),
    ("Artifactory, scoped", "https://acme.jfrog.io/artifactory/api/npm/npm/", _SCOPED_FILE),
    ("Nexus 3", "https://nexus.acme.example/repository/npm-group/", _USUAL),
    ("Nexus 2", "https://nexus2.acme.example/content/groups/npm-all/", _USUAL),
    ("CodeArtifact", _AWS, _USUAL),
    ("CodeArtifact, scoped", _AWS, _SCOPED_FILE),
    ("Google", "https://europe-west1-npm.pkg.dev/project/feed/", _SCOPED_FILE),
    ("Cloudsmith", "https://npm.cloudsmith.io/acme/main/", _USUAL),
    ("Cloudsmith, flat", "https://dl.cloudsmith.io/public/acme/main/npm/", "{name}-1.2.3.tgz"),
    ("Cloudsmith, folder", "https://dl.cloudsmith.io/basic/acme/main/npm/",
     "{name}/{base}-1.2.3.tgz"),
    ("Cloudsmith, own host", "https://dl.acme.example/basic/main/npm/", "{name}-1.2.3.tgz"),
    ("Font Awesome", "https://npm.fontawesome.com/", "{name}/-/1.2.3/{base}-1.2.3.tgz"),
    ("Font Awesome, newer", "https://npm.fontawesome.com/", _USUAL),
    ("MyGet", "https://www.myget.org/F/acme/npm/", _SCOPED_FILE),
    ("ProGet", "https://proget.acme.example/npm/feed/", _USUAL),
    ("Bytesafe", "https://acme.bytesafe.dev/r/default/", _USUAL),
    ("Verdaccio", "http://localhost:4873/".replace("http:", "https:"), _SCOPED_FILE),
    ("a file as npm pack names it", "https://npm.acme.example/", "{name}/-/{packed}-1.2.3.tgz"),
    ("JSR", "https://npm.jsr.io/", "~/11/{name}/1.2.3.tgz"),
)  # fmt: skip
"""At least 41 layouts."""


class Row(NamedTuple):
    """A package of one registry: ``url`` is where the registry has it."""

    registry: str
    allowed: str
    name: str
    url: str


def rows(*, as_name: str = "") -> list[Row]:
    """Each layout, for a package with and one without a scope; ``as_name``: the URL's own package."""
    return [
        Row(registry, allowed, name, allowed + _path(path, as_name or name))
        for at, (registry, allowed, path) in enumerate(LAYOUTS)
        for name in (f"@acme/lib{at}", f"lib{at}")
    ]


def _path(path: str, name: str) -> str:
    scope, _, base = name.rpartition("/")
    return path.format(
        name=name, base=base, scope=scope.lstrip("@"), encoded=quote(name, safe="@"),
        at=name.replace("@", "%40"), packed=name.lstrip("@").replace("/", "-"),
    )  # fmt: skip


def policy(every: list[Row]) -> str:
    """The table of a policy that allows the registries."""
    return f"[registries]\nallowed = {json.dumps(sorted({row.allowed for row in every}))}\n"


def _manifest(every: list[Row]) -> str:
    asked = {row.name: VERSION for row in every}
    return json.dumps({"name": "p", "version": "1.0.0", "dependencies": asked}, indent=2)


def _npm(every: list[Row]) -> Mapping[str, str]:
    packages: dict[str, object] = {"": json.loads(_manifest(every))}
    for row in every:
        packages[f"node_modules/{row.name}"] = {
            "version": VERSION, "resolved": row.url, "integrity": sri(row.name),
        }  # fmt: skip
    data = {"name": "p", "version": "1.0.0", "lockfileVersion": 3, "packages": packages}
    return {"package-lock.json": json.dumps(data, indent=2), ".npmrc": "ignore-scripts=true\n"}


def _npm_1(every: list[Row]) -> Mapping[str, str]:
    locked = {
        row.name: {"version": VERSION, "resolved": row.url, "integrity": sri(row.name)}
        for row in every
    }
    data = {"name": "p", "version": "1.0.0", "lockfileVersion": 1, "dependencies": locked}
    return {"package-lock.json": json.dumps(data, indent=2), ".npmrc": "ignore-scripts=true\n"}


def _yarn_classic(every: list[Row]) -> Mapping[str, str]:
    text = "# yarn lockfile v1\n\n"
    for row in sorted(every, key=lambda row: row.name):
        text += (
            f'\n"{row.name}@{VERSION}":\n  version "{VERSION}"\n'
            f'  resolved "{row.url}#{SHA}"\n  integrity {sri(row.name)}\n'
        )
    return {"yarn.lock": text, ".yarnrc": "ignore-scripts true\n"}


def _yarn_berry(every: list[Row]) -> Mapping[str, str]:
    text = "__metadata:\n  version: 8\n  cacheKey: 10c0\n"
    for row in sorted(every, key=lambda row: row.name):
        at = f"::__archiveUrl={quote(row.url, safe='')}"
        text += (
            f'\n"{row.name}@npm:{VERSION}":\n  version: {VERSION}\n'
            f'  resolution: "{row.name}@npm:{VERSION}{at}"\n'
            f"  checksum: 10c0/{'a' * 128}\n  languageName: node\n  linkType: hard\n"
        )
    asked = "".join(f'    "{row.name}": "npm:{VERSION}"\n' for row in every)
    text += (
        '\n"p@workspace:.":\n  version: 0.0.0-use.local\n  resolution: "p@workspace:."\n'
        f"  dependencies:\n{asked}  languageName: unknown\n  linkType: soft\n"
    )
    return {"yarn.lock": text, ".yarnrc.yml": "enableScripts: false\n"}


def _pnpm(every: list[Row]) -> Mapping[str, str]:
    text = "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n"
    ordered = sorted(every, key=lambda row: row.name)
    for row in ordered:
        text += f"      '{row.name}':\n        specifier: {VERSION}\n        version: {VERSION}\n"
    text += "\npackages:\n"
    for row in ordered:
        text += (
            f"\n  '{row.name}@{VERSION}':\n"
            f"    resolution: {{integrity: {sri(row.name)}, tarball: '{row.url}'}}\n"
        )
    text += "\nsnapshots:\n" + "".join(f"\n  '{row.name}@{VERSION}': {{}}\n" for row in ordered)
    return {"pnpm-lock.yaml": text, ".npmrc": "ignore-scripts=true\n"}


def _bun(every: list[Row]) -> Mapping[str, str]:
    packages = {row.name: [f"{row.name}@{VERSION}", row.url, {}, sri(row.name)] for row in every}
    root = {key: json.loads(_manifest(every))[key] for key in ("name", "dependencies")}
    data = {"lockfileVersion": 1, "workspaces": {"": root}, "packages": packages}
    return {
        "bun.lock": json.dumps(data, indent=2),
        "bunfig.toml": "[install]\nignoreScripts = true\n",
    }


def _deno(every: list[Row]) -> Mapping[str, str]:
    data = {
        "version": "5",
        "specifiers": {f"npm:{row.name}@{VERSION}": VERSION for row in every},
        "npm": {
            f"{row.name}@{VERSION}": {"integrity": sri(row.name), "tarball": row.url}
            for row in every
        },
        "workspace": {
            "packageJson": {"dependencies": [f"npm:{row.name}@{VERSION}" for row in every]}
        },
    }
    return {"deno.lock": json.dumps(data, indent=2), "deno.json": "{}\n"}


WRITERS: Final = {
    "npm": _npm, "npm, version 1": _npm_1, "yarn-classic": _yarn_classic, "yarn-berry": _yarn_berry,
    "pnpm": _pnpm, "bun": _bun, "deno": _deno,
}  # fmt: skip
"""Each client's lockfile that records where packages came from."""


def files(client: str, every: list[Row]) -> dict[str, str]:
    """A project of one client that locks all these packages."""
    return {"package.json": _manifest(every), **WRITERS[client](every)}
