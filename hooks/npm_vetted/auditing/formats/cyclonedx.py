"""``audit --format cyclonedx``: a CycloneDX 1.6 inventory of what the lockfiles pin.

Written by hand: its Python library needs six packages more to write what is one dictionary here. The
tests validate the file against the schema with that library.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Final

from npm_vetted.auditing.facts import PackageFacts
from npm_vetted.auditing.formats import Audit
from npm_vetted.auditing.trail import utc
from npm_vetted.formats.terminal_text import json_text, printable

_ALGORITHMS: Final = {
    "sha512": ("SHA-512", 64), "sha384": ("SHA-384", 48), "sha256": ("SHA-256", 32),
    "sha1": ("SHA-1", 20), "md5": ("MD5", 16),
}  # fmt: skip
_ROOT: Final = "repository"


def render(audit: Audit) -> str:
    """One JSON document; its time is the commit's, so that the same commit gives the same bytes."""
    report = audit.report
    together: dict[tuple[str, str | None], list[PackageFacts]] = {}
    for each in report.packages:
        together.setdefault((each.purl or each.label, each.integrity), []).append(each)
    refs: dict[tuple[str, str | None], str] = {}
    first: dict[str, str] = {}
    for key in together:
        purl = key[0]
        refs[key] = purl if purl not in first else f"{purl}#{len(refs)}"
        first.setdefault(purl, refs[key])
    data = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": utc(report.date),
            "tools": {"components": [{
                "type": "application", "name": "npm-vetted", "version": report.tool,
            }]},
            "component": {
                "type": "application", "bom-ref": _ROOT, "name": _ROOT,
                "version": report.commit or "unborn",
            },
            "properties": [
                {"name": "cdx:reproducible", "value": "false" if report.staged else "true"},
            ],
        },
        "components": [_component(refs[key], uses) for key, uses in together.items()],
        "dependencies": [
            {"ref": _ROOT, "dependsOn": sorted({
                refs[key] for key, uses in together.items() if any(use.direct for use in uses)
            })},
            *(
                {"ref": refs[key], "dependsOn": _depends(uses, refs[key], first)}
                for key, uses in together.items()
            ),
        ],
    }  # fmt: skip
    return json_text(data) + "\n"


def _depends(uses: Iterable[PackageFacts], own: str, first: Mapping[str, str]) -> list[str]:
    found = {first[purl] for use in uses for purl in use.requires if purl in first}
    return sorted(found - {own})


def _component(ref: str, uses: list[PackageFacts]) -> dict[str, object]:
    one = uses[0]
    scope, slash, name = one.artifact.name.rpartition("/")
    component: dict[str, object] = {"type": "library", "bom-ref": ref}
    if slash:
        component["group"] = printable(scope)
    component["name"] = printable(name)
    if one.artifact.version or one.artifact.specifier:
        component["version"] = printable(one.artifact.version or one.artifact.specifier or "")
    if one.purl is not None:
        component["purl"] = one.purl
    component["scope"] = "excluded" if all(use.development for use in uses) else "required"
    hashes = list(_hashes(one.artifact.integrity))
    if hashes:
        component["hashes"] = hashes
    component["properties"] = _properties(uses)
    return component


def _hashes(integrity: str | None) -> Iterable[dict[str, str]]:
    for word in dict.fromkeys((integrity or "").split()):
        algorithm, _, digest = word.partition("-")
        name, size = _ALGORITHMS.get(algorithm, ("", 0))
        try:
            raw = base64.b64decode(digest.partition("?")[0], validate=True)
        except (binascii.Error, ValueError):
            continue
        if name and len(raw) == size:
            yield {"alg": name, "content": raw.hex()}


def _properties(uses: Iterable[PackageFacts]) -> list[dict[str, str]]:
    found: dict[tuple[str, str], None] = {}
    for use in uses:
        values = {
            "project": use.project,
            "status": use.status,
            "criteria": ",".join(use.criteria),
            "note": use.note or "",
            "vetted-by": use.vetted_by or "",
            "vetted-on": str(use.vetted_on or ""),
            "commit": use.entered.landed.id if use.entered else "",
        }
        found |= {(key, value): None for key, value in values.items() if value}
    return [{"name": f"npm-vetted:{key}", "value": printable(value)} for key, value in found]
