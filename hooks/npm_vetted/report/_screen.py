"""What every command's text is made of: colours, wrapped lines, columns, links, counts.

At a terminal, lines are wrapped to its width, but for commands and for what is longer than a line:
they are there to be copied.
"""

from __future__ import annotations

from collections.abc import Sequence


class Paint:
    """Colours, or nothing."""

    def __init__(self, colour: bool) -> None:
        self._colour = colour

    def __call__(self, text: str, *styles: str) -> str:
        """Text in some of colorama's colours."""
        if not self._colour:
            return text
        from colorama import Fore
        from colorama import Style as Brightness

        codes = {"bold": Brightness.BRIGHT, "dim": Brightness.DIM, "red": Fore.RED,
                 "yellow": Fore.YELLOW, "cyan": Fore.CYAN, "green": Fore.GREEN}  # fmt: skip
        return "".join(codes[each] for each in styles) + text + Brightness.RESET_ALL


def wrapped(text: str, width: int | None, indent: str = "", first: str = "") -> list[str]:
    """A line, wrapped to the terminal's width; words that are longer than that stay whole."""
    text = first + text
    if width is None or len(text) <= width:
        return [text]
    import textwrap

    return textwrap.wrap(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def table(rows: Sequence[Sequence[str]], widest: int) -> list[str]:
    """Rows as columns, two blanks apart.

    A cell that is longer than ``widest`` moves the rest of its row; the last column is as it is.
    """
    count = max(map(len, rows), default=0)
    widths = [min(max(len(row[at]) for row in rows), widest) for at in range(count)]
    return [
        "  ".join(cell.ljust(widths[at]) for at, cell in enumerate(row)).rstrip() for row in rows
    ]


def linked(text: str, target: str) -> str:
    """A text that is a link, for a terminal that shows links (OSC 8)."""
    return f"\x1b]8;;{target}\x1b\\{text}\x1b]8;;\x1b\\"


def count_of(number: int, noun: str) -> str:
    """``1 package``, ``2,412 packages``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
