"""Regular expressions that are compiled when they are first used: most commits use few of them."""

from __future__ import annotations

import re
from typing import Any, AnyStr, Final, cast

_METHODS: Final = ("match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer")


class _Pattern:
    """Stands for a compiled expression; its methods are that one's own from the first use on."""

    def __init__(self, source: str | bytes, flags: int) -> None:
        self._source: Any = source
        self._flags = flags

    def __getattr__(self, name: str) -> object:
        compiled = re.compile(self._source, self._flags)
        for each in _METHODS:
            setattr(self, each, getattr(compiled, each))
        return getattr(compiled, name)


def pattern(source: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """``re.compile``, put off: a faulty expression is found out by the first use."""
    return cast("re.Pattern[AnyStr]", _Pattern(source, flags))
