"""Commands in YAML files of CI systems, hosts and tools: one line of the table for each kind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from npm_vetted.formats.shell_text import UNKNOWN_TEXT, Value, either, known
from npm_vetted.installs import CLOUD_CONFIG, Context
from npm_vetted.installs.files._declared import (
    IMAGE,
    DeclaredCommand,
    DeclaredKind,
    DeclaredVariable,
    file_kind_of,
    follow,
    holds_command,
)
from npm_vetted.installs.files._yaml_nodes import Node, NodeBudget, YamlFile, read_yaml, scalars
from npm_vetted.installs.shell.source import braced, filled
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

_ANSIBLE: Final = "Ansible"
_CLOUD: Final = DeclaredKind("cloud-init", (), frozenset(), elsewhere=True, shares=True)
_CLOUD_KEYS: Final = ("bootcmd", "runcmd")
_KUBERNETES: Final = "Kubernetes, Tekton and Argo"
_RESOURCE: Final = re.compile(rb"(?m)^apiVersion:[\s\S]*^kind:|^kind:[\s\S]*^apiVersion:")
KINDS: Final = (
    DeclaredKind(
        "Travis CI", (".travis.yml",), frozenset(_TRAVIS), ci=True,
        env=frozenset({"env"}), shares=True,
    ),
    DeclaredKind(
        "AppVeyor", ("appveyor.yml", ".appveyor.yml", "*/appveyor.yml"), frozenset(_APPVEYOR),
        ci=True, windows=True, env=frozenset({"environment"}), shares=True,
    ),
    DeclaredKind(
        "Bitbucket", ("bitbucket-pipelines.yml",), frozenset({"script", "after-script"}), ci=True,
        shares=True,
    ),
    DeclaredKind(
        "Woodpecker and Drone",
        (".woodpecker.y*ml", ".woodpecker/*.y*ml", ".drone.y*ml"), frozenset({"commands"}), ci=True,
        folder="directory", env=frozenset({"environment"}), shares=True,
    ),
    DeclaredKind(
        "Compose",
        ("*docker-compose*.y*ml", "compose.y*ml", "compose.*.y*ml", "*/compose.y*ml"),
        frozenset(), words=frozenset({"command", "entrypoint", "test"}), elsewhere=True,
        env=frozenset({"environment", "args"}), images=frozenset({"dockerfile_inline"}),
        folder="context",
    ),
    DeclaredKind(
        "Taskfile", ("taskfile*.y*ml", "*/taskfile*.y*ml"),
        frozenset({"cmds", "cmd", "sh", "status", "preconditions", "defer"}), folder="dir", beside=True,
        env=frozenset({"env"}), maps=frozenset({"tasks"}), fills=frozenset({"vars"}),
    ),
    DeclaredKind(
        "CodeBuild and Amplify", ("*buildspec*.y*ml", "amplify.yml", "*/amplify.yml"),
        frozenset({"commands", "finally"}), folder="appRoot", ci=True, env=frozenset({"env"}),
        shares=True,
    ),
    DeclaredKind(
        "Cloud Build", ("*cloudbuild*.y*ml", "*cloudbuild*.json"), frozenset({"script"}),
        words=frozenset({"args"}), folder="dir", ci=True, env=frozenset({"env"}),
    ),
    DeclaredKind("Read the Docs", (".readthedocs.y*ml",), frozenset(_READ_THE_DOCS), ci=True),
    DeclaredKind(
        "Render", ("render.yaml",),
        frozenset({"buildCommand", "startCommand", "preDeployCommand", "initialDeployHook"}),
        folder="rootDir", env=frozenset({"envVars"}),
    ),
    DeclaredKind(
        "Gitpod", (".gitpod.yml",), frozenset({"before", "init", "command", "prebuild"})
    ),
    DeclaredKind(
        _ANSIBLE,
        ("*playbook*.y*ml", "site.y*ml", "*/tasks/*.y*ml", "*/handlers/*.y*ml", "*ansible*/*.y*ml"),
        frozenset({
            "shell", "ansible.builtin.shell", "command", "ansible.builtin.command", "raw",
            "ansible.builtin.raw", "cmd",
        }),
        words=frozenset({"argv"}), elsewhere=True, env=frozenset({"environment"}),
    ),
    DeclaredKind(
        _KUBERNETES,
        tuple(f"{top}{name}/*.y*ml" for name in ("k8s", "kubernetes", "tekton", "argo", "manifests")
              for top in ("*", ".")),
        frozenset({"script", "source"}), words=frozenset({"command"}), elsewhere=True, joins=True,
        env=frozenset({"env"}),
    ),
    DeclaredKind(
        "Buildkite", (".buildkite/*.y*ml",), frozenset({"command", "commands"}), ci=True,
        env=frozenset({"env"}), shares=True,
    ),
    DeclaredKind(
        "Snapcraft", ("snapcraft*.y*ml", "*/snapcraft*.y*ml"),
        frozenset({"override-pull", "override-build", "override-stage", "override-prime"}),
        elsewhere=True,
    ),
    DeclaredKind(
        "Codemagic", ("codemagic.yaml",), frozenset({"script", "scripts"}), ci=True,
        env=frozenset({"vars"}),
    ),
    DeclaredKind(
        "Semaphore", (".semaphore/*.y*ml",), frozenset({"commands"}), ci=True,
        env=frozenset({"env_vars"}), shares=True,
    ),
    DeclaredKind(
        "Cirrus CI", (".cirrus.y*ml",), frozenset({"script", "*_script"}), ci=True,
        env=frozenset({"env"}), shares=True,
    ),
    DeclaredKind(
        "Platform.sh", ("*.platform.app.yaml", "*.platform/applications.yaml", "*.upsun/*.y*ml"),
        frozenset({"build", "deploy", "post_deploy", "start"}),
    ),
    DeclaredKind("Bitrise", ("bitrise.y*ml",), frozenset({"content"}), ci=True),
    DeclaredKind("Wercker", ("wercker.yml",), frozenset({"code"}), ci=True),
    DeclaredKind(
        "sourcehut", (".build.y*ml", ".builds/*.y*ml"), frozenset(), maps=frozenset({"tasks"}),
        env=frozenset({"environment"}), elsewhere=True,
    ),
    DeclaredKind("Heroku", ("heroku.yml",), frozenset({"command"}), maps=frozenset({"run"})),
    DeclaredKind("App Engine", ("app.yaml", "*/app.yaml"), frozenset({"entrypoint"}), beside=True),
    DeclaredKind(
        "Lando", (".lando*.yml",), frozenset({"build", "build_as_root", "run", "run_as_root", "cmd"}),
        elsewhere=True,
    ),
    DeclaredKind("ddev", ("*.ddev/*.y*ml",), frozenset({"exec", "exec-host"}), elsewhere=True),
    DeclaredKind(
        "process-compose", ("process-compose*.y*ml",), frozenset({"command"}), folder="working_dir",
        env=frozenset({"environment"}),
    ),
    DeclaredKind("Skaffold", ("skaffold*.y*ml",), frozenset({"buildCommand"})),
    DeclaredKind(
        "Serverless", ("serverless*.y*ml", "*/serverless*.y*ml"), frozenset(),
        maps=frozenset({"hooks", "commands"}), beside=True,
    ),
    DeclaredKind(
        "lint-staged", (".lintstagedrc.y*ml", "*/.lintstagedrc.y*ml"), frozenset(), beside=True,
        maps=frozenset({""}),
    ),
)  # fmt: skip
_ASSIGNED: Final = re.compile(r"""(?<![\w-])([A-Za-z_]\w*)=("[^"]*"|'[^']*'|[^\s"']*)""")
_TRUE: Final = ("true", "yes", "on", "1")
_MOST: Final = 2_000
Variables = tuple[DeclaredVariable, ...]
Fillings = dict[str, Value]
_TEMPLATES: Final = braced("{{", "}}")
_SHELLS: Final = {"cmd": "cmd", "ps": "ps", "pwsh": "pwsh", "sh": "sh"}


def recognises(path: str, head: bytes) -> bool:
    """Whether the table has a kind with this path; or the text is a Kubernetes resource, no Helm template."""
    lowered = path.lower()
    if head.startswith(CLOUD_CONFIG):
        return True
    if not lowered.endswith((".yml", ".yaml", ".json")):
        return False
    if file_kind_of(KINDS, path) is not None:
        return True
    return not lowered.endswith(".json") and b"{{" not in head and bool(_RESOURCE.search(head))


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """Every command under one of the kind's keys, wherever in the file."""
    kind = file_kind_of(KINDS, path)
    if kind is None and data.startswith(CLOUD_CONFIG):
        kind = _CLOUD
    kind = kind or next(each for each in KINDS if each.name == _KUBERNETES)
    return follow(kind, path, _commands(kind, read_yaml(path, data)), context)


def _commands(kind: DeclaredKind, file: YamlFile) -> Iterator[DeclaredCommand]:
    for document in file.documents:
        if "" in kind.maps:
            yield from _of_table(document, kind, file, None, ())
        budget = NodeBudget(file.path)
        seen: set[int] = set()
        stack: list[tuple[Node, str | None, Variables, Fillings]] = [(document, None, (), {})]
        while stack:
            node, folder, variables, fillings = stack.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            budget.spend(node)
            if node.pairs is not None:
                table = node.table()
                variables = (*variables, *_variables(kind.env, table))
                fillings = fillings | _fillings(kind, table)
                named = table.get(kind.folder) if kind.folder else None
                folder = folder if named is None else named.text
                for command in _of_node(table, kind, file, folder, variables):
                    yield from _filled(command, kind, fillings)
            children = [*(node.items or ()), *(value for _, value in node.pairs or ())]
            stack.extend((each, folder, variables, fillings) for each in reversed(children))


def _fillings(kind: DeclaredKind, table: Mapping[str, Node]) -> Fillings:
    return {each.name: each.value for each in _variables(kind.fills, table)}


def _filled(
    command: DeclaredCommand, kind: DeclaredKind, fillings: Fillings
) -> Iterator[DeclaredCommand]:
    """The command with its templates replaced by their values; arguments that a person adds become empty."""
    if not kind.fills or command.source is None:
        yield command
        return
    for source in filled(command.source, _TEMPLATES, lambda name: _filling(name, fillings)):
        yield command._replace(text=source.text, source=source)


def _filling(name: str, fillings: Fillings) -> Value | None:
    found = ("",) if name == ".CLI_ARGS" else fillings.get(name.removeprefix("."))
    return found if found is not None and all(map(known, found)) else None


def _of_node(
    table: Mapping[str, Node],
    kind: DeclaredKind,
    file: YamlFile,
    folder: str | None,
    variables: Variables,
) -> Iterator[DeclaredCommand]:
    """The commands of one mapping, with the variables in force there."""
    if variables:
        yield DeclaredCommand("", variables[-1].line, variables=variables)
    for key in sorted(each for each in table if holds_command(kind, each)):
        yield from _of_list(table[key], kind, file, folder, variables)
    only = kind.joins and "command" not in table and "image" in table
    for key in sorted((kind.words | ({"args"} if only else set())) & table.keys()):
        yield from _argv(table, key, folder, file, variables, joins=kind.joins)
    for key in sorted(kind.images & table.keys()):
        node = table[key]
        yield DeclaredCommand(node.text or "", file.source(node).line(0), folder, IMAGE)
    for key in sorted(kind.maps & table.keys()):
        for each in (table[key], *(table[key].items or ())):
            yield from _of_table(each, kind, file, folder, variables)
    if kind.name == _ANSIBLE:
        yield from _of_ansible(table)
    if kind is _CLOUD:
        yield from _of_cloud(table, file)


def _of_list(
    node: Node, kind: DeclaredKind, file: YamlFile, folder: str | None, variables: Variables
) -> Iterator[DeclaredCommand]:
    for count, (text, shell) in enumerate(_texts(node, kind)):
        yield DeclaredCommand(
            text.text or "", text.line, folder, shell, file.source(text), variables,
            shared=kind.shares and count > 0,
        )  # fmt: skip


def _of_table(
    node: Node, kind: DeclaredKind, file: YamlFile, folder: str | None, variables: Variables
) -> Iterator[DeclaredCommand]:
    """A command, or a list of them, under each key of a table."""
    for _, value in node.pairs or ():
        yield from _of_list(value, kind, file, folder, variables)


def _variables(keys: frozenset[str], table: Mapping[str, Node]) -> Iterator[DeclaredVariable]:
    """The variables of a mapping under the kind's keys, in any of the usual forms."""
    for key in sorted(keys & table.keys()):
        values: dict[str, list[str]] = {}
        stack = [table[key]]
        for _ in range(_MOST):
            if not stack:
                break
            node = stack.pop()
            inner = node.table() if node.pairs is not None else {}
            name = (inner.get("key") or inner.get("name") or Node(0, 0)).text
            if name and "value" in inner:
                values.setdefault(name, []).append(inner["value"].text or "")
                continue
            for each, value in inner.items():
                if value.text is not None:
                    values.setdefault(each, []).append(value.text)
                else:
                    stack.append(value)
            stack.extend(reversed(node.items or ()))
            for name, value in _ASSIGNED.findall(node.text or ""):
                values.setdefault(name, []).append(value.strip("'\""))
        line = table[key].line
        yield from (
            DeclaredVariable(name, either(*((_value(text),) for text in texts)), line)
            for name, texts in values.items()
        )


def _value(text: str) -> str:
    """A variable's value as the command sees it; UNKNOWN_TEXT if the file does not contain it."""
    return UNKNOWN_TEXT if "$" in text or "{{" in text else text


def _of_ansible(table: Mapping[str, Node]) -> Iterator[DeclaredCommand]:
    """Ansible's module ``npm``: the command line that it runs."""
    for key in ("npm", "community.general.npm"):
        given = table[key].table() if key in table else {}
        if not given:
            continue
        said = {name: (node.text or "") for name, node in given.items()}
        if said.get("state") == "absent":
            continue
        verb = "ci" if said.get("ci", "").lower() in _TRUE else "install"
        flags = [
            flag
            for name, flag in (("global", "-g"), ("ignore_scripts", "--ignore-scripts"))
            if said.get(name, "").lower() in _TRUE
        ]
        package = said.get("name", "") + (f"@{said['version']}" if "version" in said else "")
        words = ["npm", verb, *flags, *([package] if package else [])]
        yield DeclaredCommand(words, table[key].line)


def _of_cloud(table: Mapping[str, Node], file: YamlFile) -> Iterator[DeclaredCommand]:
    """cloud-init writes a list into one script: each item is a line of shell text, or words."""
    for key in _CLOUD_KEYS:
        for count, item in enumerate((table[key].items or ()) if key in table else ()):
            words = tuple(each.text or "" for each in scalars(item))
            text = words if item.text is None else item.text
            source = None if item.text is None else file.source(item)
            yield DeclaredCommand(text, item.line, source=source, shared=count > 0)


def _texts(node: Node, kind: DeclaredKind) -> Iterator[tuple[Node, str]]:
    """The commands under a key; an item may name its shell (``ps: npm ci``)."""
    for each in scalars(node):
        yield each, "cmd" if kind.windows else "sh"
    for item in node.items or ():
        for key, value in item.pairs or ():
            if value.text is not None and (key.text or "") in _SHELLS:
                yield value, _SHELLS[key.text or ""]


def _argv(
    table: Mapping[str, Node],
    key: str,
    folder: str | None,
    file: YamlFile,
    variables: Variables,
    *,
    joins: bool,
) -> Iterator[DeclaredCommand]:
    """The words of one command; a text is split as a shell does. A step may name its program."""
    node = table[key]
    if node.text is not None:
        yield DeclaredCommand(node.text, node.line, folder, "sh", file.source(node), variables)
        return
    words = [each.text or "" for each in scalars(node)]
    program = table["entrypoint"].text if key == "args" and "entrypoint" in table else None
    if key == "args" and program is None and "name" in table:
        program = (table["name"].text or "").rpartition("/")[2].partition(":")[0]
    line = node.line
    if words[:1] == ["CMD-SHELL"]:
        yield DeclaredCommand(" ".join(words[1:]), line, folder, variables=variables)
        return
    if words[:1] == ["CMD"]:
        words = words[1:]
    words = [program, *words] if program else words
    if joins and key != "args" and "args" in table:
        given = list(scalars(table["args"]))
        line = given[0].line if given and words[:1] and words[0].endswith("sh") else line
        words += [each.text or "" for each in given]
    yield DeclaredCommand(words, line, folder, variables=variables)
