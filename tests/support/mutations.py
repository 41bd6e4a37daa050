"""Files that are nearly real ones: what readers by pieces are held to with hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st


@st.composite
def mutated_lines(draw: st.DrawFn, seeds: Sequence[str], pieces: Sequence[str]) -> bytes:
    """A file with a few lines, or parts of them, moved, doubled, joined, cut, or put in between."""
    lines = draw(st.sampled_from(seeds)).splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 3))):
        at, to = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        line = lines[at]
        column = draw(st.integers(0, len(line)))
        match draw(st.sampled_from(["move", "double", "join", "cut", "insert", "indent"])):
            case "move":
                lines.insert(to, lines.pop(at))
            case "double":
                lines.insert(to, line)
            case "join":
                lines[at] = line.rstrip("\r\n")
            case "cut":
                lines[at] = line[:column]
            case "insert":
                lines[at] = line[:column] + draw(st.sampled_from(pieces)) + line[column:]
            case "indent":
                lines[at] = draw(st.sampled_from(["", " ", "  ", "    ", "\t"])) + line.lstrip(" ")
    return "".join(lines).encode()


def try_both(
    one: Callable[[bytes], object],
    other: Callable[[bytes], object],
    files: st.SearchStrategy[bytes],
    tries: int,
) -> None:
    """Read so many files in two ways, which must come to the same."""

    @settings(max_examples=tries, database=None)
    @given(files)
    def tried(data: bytes) -> None:
        assert one(data) == other(data)

    tried()
