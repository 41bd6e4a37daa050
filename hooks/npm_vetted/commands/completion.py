"""``npm-vetted completion SHELL``: prints a shell's completion script, or the man page."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from typing import Final

from npm_vetted import SITE, __version__

HELP = "print a shell's completion script, or the manual page"
SHELLS: Final = ("bash", "zsh", "fish", "powershell")
_MANUAL: Final = "man"
_EPILOG: Final = """\
bash: npm-vetted completion bash > ~/.local/share/bash-completion/completions/npm-vetted
zsh: npm-vetted completion zsh > a file _npm-vetted in a folder of $fpath
fish: npm-vetted completion fish > ~/.config/fish/completions/npm-vetted.fish
PowerShell: npm-vetted completion powershell >> $PROFILE
the manual: npm-vetted completion man > ~/.local/share/man/man1/npm-vetted.1
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``completion``."""
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("shell", choices=(*SHELLS, _MANUAL), metavar="SHELL",
                        help="bash, zsh, fish or powershell; or man for the manual page")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Print the script of a shell, or the manual page."""
    if arguments.shell == _MANUAL:
        text = "".join(_manual_page())
    else:
        from argcomplete.shell_integration import shellcode

        text = shellcode(["npm-vetted"], shell=arguments.shell)
    sys.stdout.write(text.rstrip("\n") + "\n")
    return 0


def _manual_page() -> Iterator[str]:
    """The page in roff: the help of the program and of each command, as it is printed."""
    from npm_vetted.commands._parser import build_parser, help_text, subparsers

    parser = build_parser()
    yield f'.TH NPM-VETTED 1 "" "npm-vetted {__version__}" "User Commands"\n'
    yield f".SH NAME\nnpm\\-vetted \\- {_roff(parser.description or '')}\n"
    yield f".SH SYNOPSIS\n{_verbatim(help_text(parser, 76))}"
    yield ".SH COMMANDS\n"
    for name, inner in subparsers(parser).items():
        yield f".SS {_roff(name)}\n{_verbatim(help_text(inner, 76))}"
    yield (
        ".SH EXIT STATUS\n0: nothing found. 1: findings. 2: the command line or a file of the policy "
        "is wrong. 3: undecided.\n"
    )
    yield f".SH SEE ALSO\n{_roff(SITE)}\n"


def _verbatim(text: str) -> str:
    lines = "".join(f"{_roff(line)}\n" for line in text.rstrip().splitlines())
    return f".nf\n{lines}.fi\n"


def _roff(text: str) -> str:
    escaped = text.replace("…", "...").replace("\\", "\\e").replace("-", "\\-")
    escaped = re.sub(r"[^\x00-\x7f]", lambda found: f"\\[u{ord(found[0]):04X}]", escaped)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
