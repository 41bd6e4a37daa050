"""Commands in YAML files of CI systems, hosts and tools: one line of the table for each kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from npm_vetted.installs import Context
from npm_vetted.installs.files._declared import DeclaredCommand, DeclaredKind, file_kind_of, follow
from npm_vetted.installs.files._yaml_nodes import Node, YamlFile, every_node, read_yaml, scalars
from npm_vetted.model import Problem

_TRAVIS: Final = (
    "before_install", "install", "before_script", "script", "before_cache", "after_success",
    "after_failure", "after_script", "before_deploy", "after_deploy",
)  # fmt: skip
_APPVEYOR: Final = (
    "init", "install", "before_build", "build_script", "after_build", "before_package",
    "before_test", "test_script", "after_test", "before_deploy", "deploy_script", "after_deploy",
    "on_success", "on_failure", "on_finish",
)  # fmt: skip
_READ_THE_DOCS: Final = (
    "commands", "post_checkout", "pre_system_dependencies", "post_system_dependencies",
    "pre_create_environment", "create_environment", "post_create_environment", "pre_install",
    "install", "post_install", "pre_build", "html", "post_build",
)  # fmt: skip

KINDS: Final = (
    DeclaredKind("Travis CI", (".travis.yml", "*/.travis.yml"), frozenset(_TRAVIS), ci=True),
    DeclaredKind(
        "AppVeyor", ("appveyor.yml", ".appveyor.yml", "*/appveyor.yml"), frozenset(_APPVEYOR),
        ci=True, windows=True,
    ),
    DeclaredKind(
        "Bitbucket", ("bitbucket-pipelines.yml",), frozenset({"script", "after-script"}), ci=True
    ),
    DeclaredKind(
        "Woodpecker and Drone",
        (".woodpecker.y*ml", ".woodpecker/*.y*ml", ".drone.y*ml"), frozenset({"commands"}), ci=True,
    ),
    DeclaredKind(
        "Compose",
        ("*docker-compose*.y*ml", "compose.y*ml", "compose.*.y*ml", "*/compose.y*ml"),
        frozenset(), words=frozenset({"command", "entrypoint", "test"}), elsewhere=True,
    ),
    DeclaredKind(
        "Taskfile", ("taskfile*.y*ml", "*/taskfile*.y*ml"), frozenset({"cmds", "cmd", "sh"}),
        folder="dir", beside=True,
    ),
    DeclaredKind("CodeBuild", ("*buildspec*.y*ml",), frozenset({"commands", "finally"}), ci=True),
    DeclaredKind(
        "Cloud Build", ("*cloudbuild*.y*ml",), frozenset({"script"}), words=frozenset({"args"}),
        folder="dir", ci=True,
    ),
    DeclaredKind("Read the Docs", (".readthedocs.y*ml",), frozenset(_READ_THE_DOCS), ci=True),
    DeclaredKind(
        "Render", ("render.yaml",),
        frozenset({"buildCommand", "startCommand", "preDeployCommand", "initialDeployHook"}),
        folder="rootDir",
    ),
    DeclaredKind(
        "Gitpod", (".gitpod.yml",), frozenset({"before", "init", "command", "prebuild"})
    ),
    DeclaredKind(
        "Ansible",
        ("*playbook*.y*ml", "site.y*ml", "*/tasks/*.y*ml", "*/handlers/*.y*ml", "*ansible*/*.y*ml"),
        frozenset({
            "shell", "ansible.builtin.shell", "command", "ansible.builtin.command", "raw",
            "ansible.builtin.raw", "cmd",
        }),
        elsewhere=True,
    ),
    DeclaredKind("Buildkite", (".buildkite/*.y*ml",), frozenset({"command", "commands"}), ci=True),
    DeclaredKind(
        "Snapcraft", ("snapcraft*.y*ml", "*/snapcraft*.y*ml"),
        frozenset({"override-pull", "override-build", "override-stage", "override-prime"}),
        elsewhere=True,
    ),
    DeclaredKind("Codemagic", ("codemagic.yaml",), frozenset({"script"}), ci=True),
    DeclaredKind("Semaphore", (".semaphore/*.y*ml",), frozenset({"commands"}), ci=True),
    DeclaredKind("Cirrus CI", (".cirrus.y*ml",), frozenset({
        "script", "install_script", "build_script", "test_script", "setup_script",
    }), ci=True),
)  # fmt: skip
_SHELLS: Final = {"cmd": "cmd", "ps": "ps", "pwsh": "pwsh", "sh": "sh"}


def recognises(path: str, head: bytes) -> bool:  # noqa: ARG001
    """By the path alone."""
    return path.lower().endswith((".yml", ".yaml")) and file_kind_of(KINDS, path) is not None


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """Every command under one of the kind's keys, wherever in the file."""
    kind = file_kind_of(KINDS, path)
    assert kind is not None
    return follow(kind, path, _commands(kind, read_yaml(path, data)), context)


def _commands(kind: DeclaredKind, file: YamlFile) -> Iterator[DeclaredCommand]:
    for document in file.documents:
        for node in every_node(document, file.path):
            table = node.table() if node.pairs is not None else {}
            folder = node.scalar(kind.folder) if kind.folder and table else None
            for key in sorted(kind.keys & table.keys()):
                for text, shell in _texts(table[key], kind):
                    yield DeclaredCommand(
                        text.text or "", text.line, folder, shell, file.source(text)
                    )
            for key in sorted(kind.words & table.keys()):
                yield from _argv(table, key, folder, file)


def _texts(node: Node, kind: DeclaredKind) -> Iterator[tuple[Node, str]]:
    """The commands under a key; an item may name its shell (``ps: npm ci``)."""
    for each in scalars(node):
        yield each, "cmd" if kind.windows else "sh"
    for item in node.items or ():
        for key, value in item.pairs or ():
            if value.text is not None and (key.text or "") in _SHELLS:
                yield value, _SHELLS[key.text or ""]


def _argv(
    table: Mapping[str, Node], key: str, folder: str | None, file: YamlFile
) -> Iterator[DeclaredCommand]:
    """The words of one command; a text is split as a shell does. A step may name its program."""
    node = table[key]
    if node.text is not None:
        yield DeclaredCommand(node.text, node.line, folder, "sh", file.source(node))
        return
    words = [each.text or "" for each in scalars(node)]
    program = table["entrypoint"].text if key == "args" and "entrypoint" in table else None
    if key == "args" and program is None and "name" in table:
        program = (table["name"].text or "").rpartition("/")[2].partition(":")[0]
    if words and words[0] in ("CMD", "CMD-SHELL"):
        words = words[1:]
    yield DeclaredCommand([program, *words] if program else words, node.line, folder)
