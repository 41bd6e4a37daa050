"""What a note says of a tarball, computed again from the registry's tarball.

A packument may say something else than the tarball that is installed: scripts that it leaves out run
all the same. So each hash of the note is compared with the bytes, and scripts and bundled packages
are read from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from npm_vetted.errors import UndecidedError
from npm_vetted.formats.terminal_text import printable
from npm_vetted.model import BundledPackage
from npm_vetted.packages.integrity import parse_integrity

if TYPE_CHECKING:
    from npm_vetted.registry import Registry
    from npm_vetted.registry.packument import Release
    from npm_vetted.vetting.notes import Mention

Difference = tuple[str, str]
"""The fact that differs (bytes, scripts, bundles, shrinkwrap), and how, in words."""


def tarball_differences(
    registry: Registry, release: Release, mention: Mention, *, carries: bool
) -> Iterator[Difference]:
    """Differences between an entry of a note and the registry's tarball.

    ``carries``: an entry that lists no bundled packages says that there are none. Raises
    UndecidedError if the registry does not send the tarball, or if it cannot be read.
    """
    from npm_vetted.registry.tarball import digest_of, open_tarball

    label = printable(f"{release.name}@{release.version}")
    noted = mention.pinned.integrity or release.integrity
    if noted is None:
        raise UndecidedError(
            f"{label}: neither the note nor the registry has a hash of its tarball"
        )
    data = registry.bytes_to_compare(release, noted)
    for each in parse_integrity(noted):
        if digest_of(data, each.algorithm) != each.digest:
            yield "bytes", f"the registry's tarball has another {each.algorithm} than the note says"
            return
    yield from _checksum(label, data, noted, mention, release.name)
    files = open_tarball(label, data, noted).files
    yield from _scripts(label, files, mention)
    yield from _contents(label, files, mention, carries=carries)


def _checksum(
    label: str, data: bytes, integrity: str, mention: Mention, name: str
) -> Iterator[Difference]:
    """Whether a client packs from the tarball what the note's checksum is of, if that is computable."""
    from npm_vetted.clients.shared.packed_zips import UNPACKED, packed_checksum
    from npm_vetted.registry.tarball import Limits, gunzip, tarball_entries

    noted = mention.pinned.checksum
    if noted is None or mention.pinned.patch is not None:
        return
    tar = gunzip(data, Limits().most) if noted.startswith(UNPACKED) else b""
    found = packed_checksum(noted, name, tar, tarball_entries(label, data, integrity))
    if found not in (None, noted):
        yield "bytes", f"the checksum of its tarball is {found}, noted as {noted}"


def _scripts(label: str, files: Mapping[str, bytes], mention: Mention) -> Iterator[Difference]:
    from npm_vetted.recording.tarball_contents import scripts_in

    noted = (mention.listed.scripts if mention.listed else mention.note.scripts) or ()
    unnamed = [each for each in scripts_in(label, files) if each not in noted]
    if unnamed:
        names = ", ".join(unnamed)
        yield "scripts", f"its tarball has lifecycle scripts that the note does not name: {names}"


def _contents(
    label: str, files: Mapping[str, bytes], mention: Mention, *, carries: bool
) -> Iterator[Difference]:
    from npm_vetted.recording.tarball_contents import bundled_in, bundles_something, shrinkwrap_in

    if mention.bundles or (carries and bundles_something(label, files)):
        found = set(bundled_in(label, files))
        if found != set(mention.bundles):
            yield "bundles", _bundled_words(found, set(mention.bundles))
    if mention.shrinkwrap is not None:
        pinned = shrinkwrap_in(label, files)
        if set(pinned or ()) != set(mention.shrinkwrap):
            yield "shrinkwrap", "its npm-shrinkwrap.json pins others"


def _bundled_words(found: set[BundledPackage], noted: set[BundledPackage]) -> str:
    other = sorted(f"{each.name}@{each.version}" for each in found ^ noted)
    return "the tarball carries other packages: " + printable(", ".join(other[:3]))
