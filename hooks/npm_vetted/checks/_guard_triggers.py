"""Compares the events that start a workflow before and after a change.

An event's filter may become wider (one more branch, one ignored path less), because the guard then runs
more often. A filter that is not known to be wider counts as narrower.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Triggers = Mapping[str, object]
"""Each event, with its filter; None where there is none."""
_Filter = Mapping[str, object]

_KEYS: Final = ("on", "True", "true")
"""The key of the events; YAML 1.1 reads the word as a truth value."""
_OTHER_REFERENCE: Final = {"branches": "tags", "tags": "branches"}
"""A push filter with ``branches`` only excludes all tags, and one with ``tags`` only all branches."""
_KINDS: Final = ("branches", "tags", "paths")
_LISTED: Final = ("types", "workflows", "schedule")
_HARMLESS: Final = ("inputs", "outputs", "secrets")
_PULL_REQUEST_TYPES: Final = ("opened", "synchronize", "reopened")
"""The types that start a workflow where it names none."""


def triggers_of(document: Mapping[object, object]) -> Triggers:
    """The events that a workflow names."""
    found: dict[str, object] = {}
    for key, value in document.items():
        if str(key) in _KEYS:
            listed = value if isinstance(value, Mapping | list) else [value]
            pairs = (
                listed.items() if isinstance(listed, Mapping) else [(each, None) for each in listed]
            )
            found |= {str(event): inner for event, inner in pairs}
    return found


def starts_as_often(before: Triggers, after: Triggers) -> bool:
    """Whether each event that started the workflow still does."""
    return all(
        event in after and _is_as_wide(_filter(event, each), _filter(event, after[event]))
        for event, each in before.items()
    )


def _filter(event: str, value: object) -> _Filter:
    """An event's filter; of a schedule, the times."""
    found = {str(key): each for key, each in value.items()} if isinstance(value, Mapping) else {}
    if event == "schedule":
        found["schedule"] = value
    if event.startswith("pull_request"):
        found.setdefault("types", list(_PULL_REQUEST_TYPES))
    return {key: each for key, each in found.items() if key not in _HARMLESS}


def _is_as_wide(before: _Filter, after: _Filter) -> bool:
    known = {*_LISTED, *_KINDS, *(f"{kind}-ignore" for kind in _KINDS)}
    return (
        all(_lets_through(kind, before, after) for kind in _KINDS)
        and all(_keeps(before.get(key), after.get(key)) for key in _LISTED)
        and all(before.get(key) == after.get(key) for key in {*before, *after} - known)
    )


def _lets_through(kind: str, before: _Filter, after: _Filter) -> bool:
    if _is_left_out(kind, before):
        return True
    spared = set(_texts(after.get(f"{kind}-ignore"))) - set(_texts(before.get(f"{kind}-ignore")))
    return (
        not _is_left_out(kind, after) and not spared and _keeps(before.get(kind), after.get(kind))
    )


def _is_left_out(kind: str, asked: _Filter) -> bool:
    other = _OTHER_REFERENCE.get(kind)
    return _has(other, asked) and not _has(kind, asked)


def _has(kind: str | None, asked: _Filter) -> bool:
    return kind in asked or f"{kind}-ignore" in asked


def _keeps(before: object, after: object) -> bool:
    """Whether a list of patterns matches all that an earlier list matched; one with ``!`` must be equal."""
    if before == after or after is None:
        return True
    one, two = _texts(before), _texts(after)
    return before is not None and not any("!" in each for each in one + two) and {*one} <= {*two}


def _texts(value: object) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [str(each) for each in listed if each is not None]
