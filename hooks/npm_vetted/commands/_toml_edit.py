"""Edits TOML files in place and keeps a person's comments and order of keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from npm_vetted.errors import UsageError
from npm_vetted.git.writer import Store
from npm_vetted.vetting.policy import CONFIG, read_policy

Edit = Callable[[Any], None]
"""Changes a tomlkit document in place."""


def edit_toml(store: Store, path: str, edit: Edit, *, new: str | None = None) -> None:
    """Change a file of the working tree; ``new`` is the text to start from where there is none.

    Raises UsageError where there is neither a file nor ``new``.
    """
    import tomlkit

    with store.lock():
        before = store.read(path)
        if before is None and new is None:
            raise UsageError("the note is not in the working tree", path=path)
        document = tomlkit.parse(before.decode() if before else new or "")
        edit(document)
        after = tomlkit.dumps(document).encode()
        if before is None:
            store.create(path, after)
        elif after != before:
            store.replace(path, after, before)


def edit_policy(store: Store, edit: Edit, *, new: str = "") -> None:
    """Change config.toml and stage it; raises UsageError for a policy that could not be read."""
    import tomlkit

    def checked(document: Any) -> None:
        edit(document)
        read_policy(tomlkit.dumps(document).encode(), adopted=True)

    edit_toml(store, CONFIG, checked, new=new)
    store.stage([CONFIG])


def add_entries(document: Any, key: str, entries: Iterable[Mapping[str, object]]) -> None:
    """Add tables to the list of tables of a name, ``[[deny]]`` for example."""
    import tomlkit

    if key not in document:
        document.add(tomlkit.nl())
        document.add(key, tomlkit.aot())
    for entry in entries:
        table = tomlkit.table()
        table.update(entry)
        document[key].append(table)
