"""Decides by names alone which files no check reads, and which are programs.

The fast path calls this module before it imports any other, so this module imports nothing.
"""

from __future__ import annotations

_UNREAD = (
    ".adoc", ".astro", ".avif", ".bmp", ".c", ".cc", ".cpp", ".cs", ".css", ".csv", ".ejs",
    ".eot", ".erb", ".ex", ".exs", ".gif", ".gql", ".graphql", ".h", ".hbs", ".hpp",
    ".htm", ".html", ".ico", ".ipynb", ".java", ".jpeg", ".jpg", ".kt", ".less",
    ".lua", ".map", ".md", ".mdx", ".mov", ".mp3", ".mp4", ".otf", ".pdf", ".png",
    ".po", ".proto", ".pug", ".pyi", ".rst", ".sass", ".scala", ".scss",
    ".sql", ".styl", ".svelte", ".svg", ".swift", ".ttf", ".txt", ".vue",
    ".wasm", ".webm", ".webp", ".woff", ".woff2",
)  # fmt: skip
"""Suffixes that no check reads (tests/projects/test_unread_names.py asks the checks themselves)."""
_UNUSUAL = ("makefile", "dockerfile", "containerfile", "jspm.config", "importmap")
"""Parts of a name that decide the kind whatever the suffix is: ``Makefile.js``, ``Dockerfile.ts``."""


_PROGRAM = (
    ".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".py", ".rb", ".gradle", ".kts", ".groovy", ".pl",
    ".go", ".rs", ".php", ".cake", ".tsx", ".jsx",
)  # fmt: skip
"""Suffixes of programs: they are read where they name a client (tests/projects/test_unread_names.py)."""


def is_unread(path: str) -> bool:
    """Whether certainly no check reads a file of this name."""
    return _is_only(path, _UNREAD)


def is_program(path: str) -> bool:
    """Whether a file may be a program, which a check reads only where it names a client."""
    return _is_only(path, _PROGRAM)


def _is_only(path: str, suffixes: tuple[str, ...]) -> bool:
    """Whether a file has one of these suffixes, and neither its name nor its folder has another meaning."""
    lowered = path.lower()
    name = lowered.rpartition("/")[2]
    return (
        name.endswith(suffixes)
        and not name.startswith(".")
        and not any(word in name for word in _UNUSUAL)
        and ".vetting" not in lowered
        and "node_modules" not in lowered
        and path.isascii()  # letters that some file system takes for others
    )
