"""Commands in XML build files: Maven's frontend plugin, ``Exec`` of MSBuild, ``exec`` of Ant.

expat reads the file. A document type is refused, because it can define entities, and no build file needs
one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from xml.parsers import expat

from npm_vetted.errors import DocumentError
from npm_vetted.formats.shell_text import UNKNOWN_TEXT
from npm_vetted.installs import Context
from npm_vetted.installs.files._declared import DeclaredCommand, DeclaredKind, follow
from npm_vetted.model import Problem

_KIND: Final = DeclaredKind("XML build file", (), frozenset())
_PROJECTS: Final = (".csproj", ".fsproj", ".vbproj", ".esproj", ".targets", ".props", ".proj")
_PLUGIN: Final = "frontend-maven-plugin"
_INSTALL: Final = "install"
_ANT_BASE: Final = re.compile(r"\$\{basedir\}/?")
_ANT_PROPERTY: Final = re.compile(r"\$\{[^}]*\}")
"""What the plugin's goals run where no arguments are given."""


class Element(NamedTuple):
    """An element of the file: its text is that of its own, without its children's."""

    name: str
    attributes: dict[str, str]
    line: int
    text: list[str]
    children: list[Element]

    def child(self, name: str) -> Element | None:
        """The first child of a name."""
        return next((each for each in self.children if each.name == name), None)

    def below(self, name: str) -> Iterator[Element]:
        """Every element of a name below this one, in the file's order."""
        stack = list(reversed(self.children))
        while stack:
            each = stack.pop()
            if each.name == name:
                yield each
            stack.extend(reversed(each.children))

    def content(self) -> str:
        """The text without the white space around it."""
        return "".join(self.text).strip()


def recognises(path: str, head: bytes) -> bool:  # noqa: ARG001
    """``pom.xml``, ``build.xml``, and the project files of MSBuild."""
    name = path.lower().rpartition("/")[2]
    return name in ("pom.xml", "build.xml") or name.endswith(_PROJECTS)


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """The commands, each in the directory that the file names for it."""
    root = _read(path, data)
    folder = path.rpartition("/")[0]
    name = path.lower().rpartition("/")[2]
    read = {"pom.xml": _of_maven, "build.xml": _of_ant}.get(name, _of_msbuild)
    commands = read(root, folder)
    return follow(_KIND, path, commands, context)


def _read(path: str, data: bytes) -> Element:
    """Read the elements; raises DocumentError with the line that is no XML."""
    parser = expat.ParserCreate()
    root = Element("", {}, 1, [], [])
    stack = [root]

    def start(name: str, attributes: dict[str, str]) -> None:
        bare = name.rpartition(":")[2]
        element = Element(bare, attributes, parser.CurrentLineNumber, [], [])
        stack[-1].children.append(element)
        stack.append(element)

    def add(text: str) -> None:
        stack[-1].text.append(text)

    def refuse(*_: object) -> None:
        raise DocumentError("a document type, which no build file needs", path=path)

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: stack.pop()
    parser.CharacterDataHandler = add
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise DocumentError(f"no XML: {error}", path=path, line=error.lineno) from None
    return root


def _of_maven(root: Element, folder: str) -> Iterator[DeclaredCommand]:
    for plugin in root.below("plugin"):
        artifact = plugin.child("artifactId")
        if artifact is None or artifact.content() != _PLUGIN:
            continue
        shared = _directory(plugin.child("configuration"), folder)
        for execution in plugin.below("execution"):
            configuration = execution.child("configuration")
            arguments = configuration.child("arguments") if configuration else None
            words = arguments.content() if arguments else _INSTALL
            line = arguments.line if arguments else execution.line
            where = _directory(configuration, folder) or shared or folder
            for goal in execution.below("goal"):
                yield DeclaredCommand(f"{goal.content()} {words}", line, where or None)


def _directory(configuration: Element | None, folder: str) -> str | None:
    found = configuration.child("workingDirectory") if configuration else None
    if found is None or "$" in found.content():
        return None
    return f"{folder}/{found.content()}" if folder else found.content()


def _of_msbuild(root: Element, folder: str) -> Iterator[DeclaredCommand]:
    for task in root.below("Exec"):
        command = task.attributes.get("Command")
        inner = task.attributes.get("WorkingDirectory", "")
        if command and "$" not in inner:
            where = "/".join(part for part in (folder, inner.replace("\\", "/")) if part)
            yield DeclaredCommand(command, task.line, where or None)


def _of_ant(root: Element, folder: str) -> Iterator[DeclaredCommand]:
    """``exec`` and ``apply``: a program with its ``arg`` elements, in ``dir``."""
    for task in (*root.below("exec"), *root.below("apply")):
        words = [task.attributes.get("executable", "")]
        for arg in task.children:
            if arg.name == "arg":
                words += [arg.attributes[key] for key in ("value", "path") if key in arg.attributes]
                words += arg.attributes.get("line", "").split()
        inner = _ANT_BASE.sub("", task.attributes.get("dir", ""))
        where = "/".join(part for part in (folder, inner) if part)
        yield DeclaredCommand(
            [_ANT_PROPERTY.sub(UNKNOWN_TEXT, each) for each in words], task.line, where
        )
