"""Which packages are the build of another's program for one platform."""

from __future__ import annotations

import pytest

from npm_vetted.packages.platforms import Platform, is_program_of, listed_words

LINUX = Platform(("linux",), ("x64",))


@pytest.mark.parametrize(
    ("name", "parent", "platform"),
    [
        ("@esbuild/linux-x64", "esbuild", LINUX),
        ("@rollup/rollup-linux-x64-gnu", "rollup", LINUX),
        ("@swc/core-darwin-arm64", "@swc/core", Platform(("darwin",), ("arm64",))),
        ("@biomejs/cli-win32-x64", "@biomejs/biome", Platform(("win32",), ("x64",))),
        ("lightningcss-linux-x64-gnu", "lightningcss", LINUX),
        ("@pnpm/macos-arm64", "@pnpm/exe", Platform(("darwin",), ("arm64",))),
        ("turbo-windows-64", "turbo", Platform(("win32",), ("x64",))),
        ("@rolldown/binding-wasm32-wasi", "rolldown", Platform((), ("wasm32",))),
        ("@parcel/watcher-darwin", "@parcel/watcher", Platform(("darwin",))),
    ],
)
def test_a_program_of_the_parent(name: str, parent: str, platform: Platform) -> None:
    assert is_program_of(name, parent, platform)


@pytest.mark.parametrize(
    ("name", "parent", "platform"),
    [
        ("@evil/linux-x64", "esbuild", LINUX),  # another's scope
        ("esbuild-linux-x64", "@esbuild/core", LINUX),  # anybody may take a name without a scope
        ("evil-linux-x64", "esbuild", LINUX),
        ("linux-x64", "esbuild", LINUX),
        ("@esbuild/payload", "esbuild", LINUX),  # it does not say what it is
        ("esbuild-payload", "esbuild", LINUX),
        ("@esbuild/linux-x64", "esbuild", Platform()),  # for every platform
        ("@esbuild/linux-x64", "esbuild", Platform(("darwin",), ("x64",))),  # for another one
        ("@esbuild/linux-x64", "esbuild", Platform(("linux", "darwin"), ("x64",))),
        ("@esbuild/linux-x64", "esbuild", Platform(("linux",), ("x64", "arm64"))),
        ("@esbuild/win32-x64", "esbuild", Platform(("!win32",))),
        ("@esbuildx/linux-x64", "esbuild", LINUX),
        ("@swc-core/linux-x64", "@swc/core", LINUX),
    ],
)
def test_what_is_none(name: str, parent: str, platform: Platform) -> None:
    assert not is_program_of(name, parent, platform)


def test_a_word_and_a_list_of_words() -> None:
    assert listed_words("linux") == ("linux",)
    assert listed_words(["linux", "darwin"]) == ("linux", "darwin")
    assert listed_words(None) == ()
