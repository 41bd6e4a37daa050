"""Hosts that the earlier version did not name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from npm_vetted.review.signals.comparison import Files, PackageComparison, Reason
from npm_vetted.review.signals.facts import FileFacts

CODES = ("pair:new-host-near-secrets", "host-new")
_DOCUMENTATION: Final = (
    "github.com", "githubusercontent.com", "npmjs.com", "npmjs.org", "nodejs.org", "w3.org",
    "mozilla.org", "whatwg.org", "ecma-international.org", "tc39.es", "wikipedia.org", "stackoverflow.com",
    "unpkg.com", "jsdelivr.net", "chromium.org", "webkit.org", "ietf.org",
    "rfc-editor.org", "schema.org", "json-schema.org", "schemastore.org", "opensource.org", "apache.org",
    "gnu.org", "example.com", "example.org", "example.net", "localhost", "microsoft.com", "typescriptlang.org",
    "reactjs.org", "react.dev", "vuejs.org", "vitejs.dev", "vite.dev", "rollupjs.org", "webpack.js.org",
    "babeljs.io", "eslint.org", "yarnpkg.com", "pnpm.io", "opencollective.com", "goo.gl", "caniuse.com",
    "unicode.org", "openjsf.org", "gitlab.com", "bitbucket.org", "npm.im", "git.io", "fb.me",
    "jsperf.com", "sindresorhus.com", "npmx.dev", "aka.ms",
)  # fmt: skip
"""Hosts that code names in messages and comments; a payload behind one of them is a blind spot."""
_PAGES: Final = frozenset({
    "google.com", "www.google.com", "developers.google.com", "code.google.com", "chrome.google.com",
    "fonts.googleapis.com", "ajax.googleapis.com", "www.googleapis.com", "oauth2.googleapis.com",
    "accounts.google.com", "esbuild.github.io", "evanw.github.io", "tc39.github.io",
    "facebook.github.io", "webassembly.github.io", "lodash.github.io",
})  # fmt: skip
"""Pages of hosts where anybody may have a page, a form or a store."""
_SECRET: Final = (
    "secrets",
    "env-all",
    "env-secret",
    "wallet",
    "wallet-hook",
    "cred-path",
    "token-shape",
)
_VARIABLE: Final = "process.env"
_LARGE: Final = 400_000
_OF_THE_MACHINE: Final = re.compile(r"127\.|0\.0\.0\.0$|localhost$|[\w.-]*\.local(?:host|domain)?$")
_HOST: Final = re.compile(rb"(?:https?|wss?)://([A-Za-z0-9.-]{1,253})")


def find(comparison: PackageComparison) -> Iterator[Reason]:
    """The first new host in a file that handles secrets, else the first in any file."""
    if comparison.fresh:
        return
    first: Reason | None = None
    known: set[str] | None = None
    for each in comparison.changed:
        hosts = {
            host: line for host, line in each.facts.hosts.items() if not _is_documentation(host)
        }
        if not hosts:
            continue
        before = comparison.before(each.path)
        if before is not None and hosts.keys() <= before.hosts.keys():
            continue
        if known is None:
            known = {host for facts in comparison.earlier() for host in facts.hosts}
            known |= _in_manifest(comparison.old or {})
        for host in sorted(hosts.keys() - known):
            mark = next((mark for mark in _SECRET if _handles(each.facts, mark)), None)
            if mark is not None:
                shown = each.facts.marks[mark].text or mark
                text = f"names a host it never named, {host}, where it handles secrets ({shown})"
                yield Reason("pair:new-host-near-secrets", text, each.path, hosts[host])
                return
            first = first or Reason(
                "host-new", f"names a host it never named: {host}", each.path, hosts[host]
            )
    if first is not None:
        yield first


def _handles(facts: FileFacts, mark: str) -> bool:
    """Whether a script handles secrets. In a large bundle some part always reads a variable."""
    found = facts.marks.get(mark)
    return found is not None and not (found.text == _VARIABLE and facts.size > _LARGE)


def _is_documentation(host: str) -> bool:
    if _OF_THE_MACHINE.match(host):
        return True
    return (
        host in _DOCUMENTATION
        or host in _PAGES
        or host.endswith(tuple(f".{each}" for each in _DOCUMENTATION))
        or "." not in host
    )


def _in_manifest(files: Files) -> set[str]:
    data = files.get("package.json", b"")
    return {match[1].decode("ascii").lower() for match in _HOST.finditer(data)}
