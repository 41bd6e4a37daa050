"""Programs that a setting names: the codes of their findings, and which files may belong to them.

The fast path calls this module before it imports any other, so this module imports names only.
"""

from __future__ import annotations

from npm_vetted.client_names import PROGRAM_FOLDERS

PROGRAM_CODES = frozenset({
    "authority", "other-lockfile", "other-settings", "pnpmfile-changes-settings", "program",
    "unknown-setting",
})  # fmt: skip
"""The codes of findings whose value covers the content of files that a setting names."""
_SUFFIXES = (
    ".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".json", ".sh", ".bash", ".py", ".pl", ".rb", ".toml",
    ".yml", ".yaml", ".pem", ".crt", ".cer", ".pro", ".tsx", ".jsx", ".wasm", ".lock",
)  # fmt: skip


def may_be_program(path: str) -> bool:
    """Whether a file of this name may be a program that a setting names, or may be loaded by one."""
    vendored = not {*path.split("/")[:-1]}.isdisjoint(PROGRAM_FOLDERS)
    return vendored or path.endswith(_SUFFIXES) or "." not in path.rpartition("/")[2]
