"""A tarball is opened only when it is the expected one and is what npm would have packed."""

from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.errors import UndecidedError
from npm_vetted.registry.tarball import Limits, UnpackedFiles, open_tarball, unpack
from tests.support.real_clients import Clients
from tests.support.tarballs import bomb, integrity_of, member, tar_of, tarball_of

LIMITS = Limits(unpacked=1_000_000, files=100, path=200)


def opened(data: bytes, limits: Limits | None = None) -> dict[str, bytes]:
    return dict(open_tarball("p@1.0.0", data, integrity_of(data), limits).files)


def refusal(data: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(UndecidedError) as caught:
        opened(data, limits)
    return caught.value.message.removeprefix("p@1.0.0: the tarball is refused: ")


@pytest.mark.parametrize("folder", ["package", "node", "some thing"])
def test_the_packages_folder_may_have_any_name(folder: str) -> None:
    data = tarball_of(member(f"{folder}/package.json", b"{}"), member(f"{folder}/lib/a.js", b"1"))
    assert opened(data) == {"package.json": b"{}", "lib/a.js": b"1"}


def test_folders_are_no_files() -> None:
    data = tarball_of(member("package/lib/", kind=tarfile.DIRTYPE), member("package/lib/a", b"1"))
    assert opened(data) == {"lib/a": b"1"}


def test_a_file_may_be_packed_twice_if_it_is_the_same() -> None:
    """As pnpm packed http-proxy-agent 7.0.2."""
    twice = tarball_of(member("package/a", b"1"), member("package/./a", b"1"))
    assert opened(twice) == {"a": b"1"}


def test_a_dot_within_a_path_means_nothing() -> None:
    assert opened(tarball_of(member("package/./lib/./a.js", b"1"))) == {"lib/a.js": b"1"}


@pytest.mark.parametrize("tar_format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_and_foreign_names(tar_format: int) -> None:
    name = "package/" + "very-long-folder/" * 12 + "ünïcode.js"
    data = gzip.compress(tar_of([member(name, b"1")], tar_format))
    assert opened(data) == {name.removeprefix("package/"): b"1"}


def test_what_npm_packs_is_read_as_it_was(clients: Clients, tmp_path: Path) -> None:
    files = {
        "package.json": b'{"name": "p", "version": "1.0.0"}',
        "lib/" + "deep/" * 30 + "file-with-a-long-name.js": b"a" * 600,
        "empty.txt": b"",
        "binary.bin": bytes(range(256)),
    }
    for path, content in files.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    clients.run("npm11", "pack", cwd=tmp_path)
    assert opened((tmp_path / "p-1.0.0.tgz").read_bytes()) == files


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([member("package/a", kind=tarfile.SYMTYPE, target="/etc/passwd")], "is a symbolic link"),
        ([member("package/a", kind=tarfile.LNKTYPE, target="package/b")], "is a link"),
        ([member("package/a", kind=tarfile.CHRTYPE)], "is no plain file"),
        ([member("package/a", kind=tarfile.FIFOTYPE)], "is no plain file"),
        ([member("/package/a", b"1")], "is an absolute path"),
        ([member("C:/package/a", b"1")], "is an absolute path"),
        ([member("package/../../a", b"1")], "may lead out of the package"),
        ([member("package\\..\\a", b"1")], "may lead out of the package"),
        ([member("../a", b"1")], "may lead out of the package"),
        ([member("./package/a", b"1")], "is no plain path"),
        ([member("package//a", b"1")], "is no plain path"),
        ([member("package/a", b"1"), member("package/./a", b"2")], "is there twice"),
        ([member("package.json", b"1")], "is outside of the package's folder"),
        ([member("package/a", b"1"), member("package/a", b"2")], "is there twice"),
        ([member("one/a", b"1"), member("two/a", b"2")], "is there twice"),
        ([member("package/a", b"1"), member("package/a/b", b"2")], "is both a file and a folder"),
        ([member("package/" + "a" * 300, b"1")], "a path of 308 characters"),
        ([member(f"package/{n}", b"") for n in range(101)], "it holds more than 100 entries"),
        ([member("package/a", b"a" * 1_000_001)], "it unpacks to more than"),
    ],
)
def test_refused(members: list[tuple[tarfile.TarInfo, bytes]], why: str) -> None:
    assert why in refusal(tarball_of(*members))


def _pax(**headers: str) -> bytes:
    info, content = member("package/a", b"1")
    info.pax_headers = headers
    return tarball_of((info, content))


def _global(**headers: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", pax_headers=headers) as archive:
        archive.addfile(*_file("package/a", b"1"))
    return gzip.compress(buffer.getvalue())


def _file(path: str, content: bytes) -> tuple[tarfile.TarInfo, io.BytesIO]:
    info, content = member(path, content)
    return info, io.BytesIO(content)


PLAIN = tar_of([member("package/a", b"1")])


REFUSED = [
    (PLAIN, "it is not gzip"),
    (gzip.compress(PLAIN)[:-12], "it is cut short"),
    (gzip.compress(PLAIN) + b"tail", "it is not gzip"),
    (gzip.compress(PLAIN[:512]), "it is cut short"),
    (gzip.compress(PLAIN + PLAIN), "there is data behind its end"),
    (gzip.compress(b"x" * 512 + PLAIN), "a header's number is malformed"),
    (gzip.compress(PLAIN.replace(b"package/a", b"package/b", 1)), "checksum is wrong"),
    (gzip.compress(b"") * 20 + gzip.compress(PLAIN), "gzip in too many pieces"),
    (_pax(path="../../a"), "may lead out of the package"),
    (_pax(size="99999"), "it is cut short"),
    (_pax(size="99999999"), "it unpacks to more than"),
    (_pax(**{"GNU.sparse.major": "1"}), "holds 'GNU.sparse.major' unexpectedly"),
    (_global(path="package/b"), "a header that changes all entries behind it"),
]


@pytest.mark.parametrize(("data", "why"), REFUSED, ids=[why for _, why in REFUSED])
def test_refused_bytes(data: bytes, why: str) -> None:
    assert why in refusal(data)


def test_a_comment_for_all_entries_is_harmless() -> None:
    assert opened(_global(comment="0123456789abcdef")) == {"a": b"1"}


def test_several_gzip_members_are_one_file_as_for_gunzip() -> None:
    data = gzip.compress(PLAIN[:512]) + gzip.compress(PLAIN[512:])
    assert opened(data) == {"a": b"1"}


ZEROS = gzip.compress(bytes(1 << 20))


@pytest.mark.parametrize(
    "data",
    [bomb(30), ZEROS * 8, gzip.compress(PLAIN) + ZEROS * 8],
    ids=["one file", "nothing but zeros", "zeros behind the end"],
)
def test_a_gzip_bomb_is_not_unpacked(data: bytes) -> None:
    tracemalloc.start()
    try:
        assert refusal(data).startswith("it unpacks to more than 1,")
        assert tracemalloc.get_traced_memory()[1] < LIMITS.unpacked / 2
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("integrity", "why"),
    [
        (integrity_of(b"other"), "the tarball is not the one that was requested: expected sha512-"),
        (integrity_of(b"other", "sha1"), "the tarball is not the one that was requested"),
        (f"{integrity_of(b'a')} {integrity_of(b'b')}", "more than one sha512 hash"),
        ("sha512-abc", "sha512"),
        ("md5-" + "A" * 22 + "==", "md5 only"),
        ("", "no hash"),
    ],
)
def test_other_bytes_are_not_opened(integrity: str, why: str) -> None:
    with pytest.raises(UndecidedError, match=why):
        open_tarball("p@1.0.0", tarball_of(member("package/a", b"1")), integrity)


def test_the_strongest_hash_decides() -> None:
    data = tarball_of(member("package/a", b"1"))
    wrong_but_weak = f"{integrity_of(b'other', 'sha1')} {integrity_of(data)}"
    assert open_tarball("p@1.0.0", data, wrong_but_weak).files == {"a": b"1"}


@given(
    st.dictionaries(
        st.from_regex(r"[a-z0-9@_ é.-]{1,20}", fullmatch=True).filter(lambda n: set(n) != {"."}),
        st.binary(max_size=2000),
        max_size=8,
    ),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
)
def test_whatever_was_packed_is_read(files: dict[str, bytes], tar_format: int) -> None:
    members = [member(f"package/{path}", content) for path, content in files.items()]
    assert opened(gzip.compress(tar_of(members, tar_format))) == files


@given(st.binary(max_size=3000))
def test_any_bytes_are_read_or_refused(tar: bytes) -> None:
    for data in (tar, gzip.compress(tar), gzip.compress(PLAIN[:512] + tar)):
        with suppress(UndecidedError):
            assert isinstance(opened(data, LIMITS), dict)


def test_a_large_package_takes_no_memory() -> None:
    """It is unpacked into a temporary file, and of a file no more is kept than anybody reads."""
    large = (f"package/{number}.js" for number in range(40))
    data = tarball_of(*(member(path, b"%s;" % path.encode() * 60_000) for path in large))
    tracemalloc.start()
    files = unpack("p@1.0.0", data, most=100).files
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 10_000_000
    assert files["39.js"] == (b"package/39.js;" * 8)[:100]
    whole = unpack("p@1.0.0", data).files
    assert len(whole["7.js"]) == 13 * 60_000
    assert isinstance(files, UnpackedFiles)
    assert isinstance(whole, UnpackedFiles)
    assert files.digests == whole.digests
    assert len(set(files.digests.values())) == 40


def test_a_file_that_differs_beyond_what_is_kept_is_refused_too() -> None:
    twice = tarball_of(member("package/a", b"12"), member("package/./a", b"13"))
    with pytest.raises(UndecidedError, match="twice"):
        unpack("p@1.0.0", twice, most=1)
