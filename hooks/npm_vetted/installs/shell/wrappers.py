"""Programs that run another command: ``sudo``, ``env``, ``bash -c``, ``xargs``, ``timeout`` …"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from npm_vetted.formats.shell_text import word_set

_ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*=", re.ASCII)
SHELLS: Final = frozenset(("sh", "bash", "dash", "zsh", "ksh", "ash", "busybox-sh"))


@dataclass(frozen=True, slots=True)
class Wrapper:
    """How to separate a wrapper's own words from those of the command that it runs.

    ``valued``: its options whose value is the next word. ``skip``: the number of its own arguments before
    the command. ``assigns``: it accepts ``A=b``. ``after``: a word before the command (``exec``). ``text``:
    an option whose value is a whole shell command.
    """

    valued: frozenset[str] = frozenset()
    skip: int = 0
    assigns: bool = False
    clears: bool = False
    after: str | None = None
    text: frozenset[str] = frozenset()
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Wrapped:
    """The command inside a wrapper: words or shell text, its variables, and where it runs."""

    words: tuple[str, ...] = ()
    text: str | None = None
    variables: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()
    clears: bool = False
    folder: str | None = None
    elsewhere: bool = False
    home: str | None = None
    mounts: tuple[tuple[str, str], ...] = ()
    inside: str | None = None
    arguments: tuple[str, ...] | None = None
    """The values of ``$1``, ``$2``, … in the text; None: those of the outer shell."""


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


WRAPPERS: Final = {
    "sudo": Wrapper(_set("-u -g -h -p -C -D -R -T -U --user --group --host --chdir"), assigns=True),
    "doas": Wrapper(_set("-u -C"), assigns=True),
    "env": Wrapper(_set("-u -C -S --unset --chdir"), assigns=True),
    "cross-env": Wrapper(assigns=True),
    "cross-env-shell": Wrapper(assigns=True),
    "time": Wrapper(_set("-f -o")),
    "nohup": Wrapper(),
    "command": Wrapper(),
    "builtin": Wrapper(),
    "exec": Wrapper(_set("-a")),
    "nice": Wrapper(_set("-n --adjustment")),
    "ionice": Wrapper(_set("-c -n -p --class --classdata")),
    "timeout": Wrapper(_set("-k -s --kill-after --signal"), skip=1),
    "gtimeout": Wrapper(_set("-k -s --kill-after --signal"), skip=1),
    "stdbuf": Wrapper(_set("-i -o -e")),
    "setsid": Wrapper(),
    "unbuffer": Wrapper(),
    "chronic": Wrapper(),
    "eatmydata": Wrapper(),
    "fakeroot": Wrapper(),
    "catchsegv": Wrapper(),
    "caffeinate": Wrapper(),
    "winpty": Wrapper(),
    "retry": Wrapper(_set("-t -d -n --times --delay --tries --sleep --max --min")),
    "travis_retry": Wrapper(),
    "travis_wait": Wrapper(),
    "xvfb-run": Wrapper(_set("-n -e -f -s -w --server-args --server-num --error-file")),
    "dbus-run-session": Wrapper(),
    "dumb-init": Wrapper(),
    "tini": Wrapper(_set("-p -e")),
    "gosu": Wrapper(skip=1),
    "su-exec": Wrapper(skip=1),
    "unshare": Wrapper(_set("-S -G -R -w --root --wd --setuid --setgid")),
    "setarch": Wrapper(skip=1),
    "linux32": Wrapper(),
    "nsenter": Wrapper(_set("-t --target -S -G"), elsewhere=True),
    "systemd-run": Wrapper(_set("-p -u -t -M -H --unit --property --uid --gid"), elsewhere=True),
    "firejail": Wrapper(),
    "proxychains": Wrapper(_set("-f")),
    "proxychains4": Wrapper(_set("-f")),
    "torsocks": Wrapper(),
    "sfw": Wrapper(),
    "wsl": Wrapper(_set("-d -u --distribution --user --cd"), elsewhere=True),
    "tmux": Wrapper(_set("-s -n -t -c -d"), after="new-session", elsewhere=True),
    "aws-vault": Wrapper(_set("-d --duration"), skip=1, after="exec"),
    "chamber": Wrapper(skip=1, after="exec"),
    "rbenv": Wrapper(after="exec"),
    "pyenv": Wrapper(after="exec"),
    "hatch": Wrapper(after="run"),
    "pdm": Wrapper(after="run"),
    "pixi": Wrapper(_set("-e --environment --manifest-path"), after="run"),
    "devbox": Wrapper(_set("-c -e"), after="run"),
    "lxc": Wrapper(skip=1, after="exec", elsewhere=True),
    "entr": Wrapper(),
    "setpriv": Wrapper(_set("--reuid --regid --groups --inh-caps")),
    "chroot": Wrapper(skip=1, elsewhere=True),
    "flock": Wrapper(_set("-w -E --timeout"), skip=1, text=_set("-c --command")),
    "xargs": Wrapper(
        _set("-n -P -I -L -d -s -a -E -i --max-args --max-procs --replace --delimiter")
    ),
    "parallel": Wrapper(_set("-j -n --jobs --retries --delay")),
    "watch": Wrapper(_set("-n --interval")),
    "strace": Wrapper(_set("-e -o -p")),
    "dotenv": Wrapper(_set("-e -c -v")),
    "dotenvx": Wrapper(_set("-f -e"), after="run"),
    "doppler": Wrapper(_set("-p -c --project --config"), after="run"),
    "op": Wrapper(_set("--env-file"), after="run"),
    "infisical": Wrapper(_set("--env --path"), after="run"),
    "volta": Wrapper(_set("--node --npm --yarn --pnpm"), after="run"),
    "fnm": Wrapper(_set("--using"), after="exec"),
    "asdf": Wrapper(after="exec"),
    "mise": Wrapper(_set("-C --cd -j"), after="exec"),
    "rtx": Wrapper(after="exec"),
    "direnv": Wrapper(skip=1, after="exec"),
    "bundle": Wrapper(after="exec"),
    "pipenv": Wrapper(after="run"),
    "poetry": Wrapper(after="run"),
    "uv": Wrapper(after="run"),
    "conda": Wrapper(_set("-n -p --name --prefix"), after="run"),
    "micromamba": Wrapper(_set("-n -p"), after="run"),
    "nix": Wrapper(after="develop"),
    "nix-shell": Wrapper(_set("-p -I"), text=_set("--run --command")),
    "lerna": Wrapper(_set("--scope --ignore --concurrency"), after="exec"),
    "meteor": Wrapper(),
    "call": Wrapper(),
    "coproc": Wrapper(),
    "script": Wrapper(text=_set("-c --command")),
    "kubectl": Wrapper(after="exec", elsewhere=True),
    "oc": Wrapper(after="exec", elsewhere=True),
    "start": Wrapper(),
    "concurrently": Wrapper(_set("-n --names -c --prefix-colors -m")),
    "conc": Wrapper(_set("-n --names -c --prefix-colors -m")),
    "start-server-and-test": Wrapper(),
    "server-test": Wrapper(),
    "env-cmd": Wrapper(_set("-f --file -e --environments -r --rc-file")),
    "nodemon": Wrapper(
        _set("-w --watch -e --ext -i --ignore -d --delay -s --signal --config"),
        text=_set("-x --exec"),
    ),
    "onchange": Wrapper(_set("-d --delay -e --exclude -j --jobs -f --filter"), skip=1),
    "ssh": Wrapper(_set("-i -p -l -o -F -J -L -R -D -W -b -c -e -m -S"), skip=1, elsewhere=True),
    "sshpass": Wrapper(_set("-p -f -e")),
    "vagrant": Wrapper(after="ssh", text=_set("-c --command"), elsewhere=True),
    "arch": Wrapper(_set("-arch")),
    "npm-exec": Wrapper(),
    "flatpak-spawn": Wrapper(_set("--directory")),
}
"""The programs that run a command given after their own words."""

_DASHED: Final = (
    "mise", "rtx", "kubectl", "oc", "doppler", "op", "infisical", "nix", "fnm", "aws-vault", "chamber",
    "devbox", "lxc", "onchange",
)  # fmt: skip
"""Wrappers whose command is always behind ``--``."""

_LISTS: Final = ("concurrently", "conc", "start-server-and-test", "server-test")
"""Wrappers with several commands, each as one word (``npm:NAME`` means a script of package.json)."""

_TEXTS: Final = ("ssh", "watch", "parallel", "retry", "start", "cross-env-shell", "flock", "tmux")
"""Wrappers that also accept a whole command as one word."""

QUIET: Final = word_set(
    "echo which type hash whereis man info grep egrep fgrep rg ag sed awk apt apt-get "
    "apk yum dnf brew choco scoop winget port pacman zypper snap microdnf pip pip3 pipx gem git "
    "gh hub test [ [[ logger log say cat head tail less more unalias command complete compgen "
    "export declare true false : rm mkdir mv cp ln ls touch chmod chown tee tar zip unzip "
    "curl wget diff cmp stat file find-dupes return exit trap kill pkill pgrep ps jq yq tr cut "
    "sort uniq wc column fold nl tput basename dirname realpath readlink set shopt ulimit umask "
    "wait jobs fg bg history let local readonly typeset unset shift source docker-compose-wait "
    "die info warn warning error err fail fatal ok success debug notice header title print puts "
    "cowsay figlet print_info print_error log_info log_error npm_config add-apt-repository dpkg "
    "rpm asdf-plugin systemctl service supervisorctl crontab sleep date nslookup ping nc telnet "
    "openssl base64 nodenv fnm-use throw"
)
"""Programs that only print, look up or install other things: a client's name among their words is
no command."""


def reads_script(words: Sequence[str]) -> bool:
    """Whether a command line is a shell that reads its script from its input."""
    if program_name(words[0]) not in SHELLS:
        return False
    return all(word.startswith("-") and not word.endswith("c") for word in words[1:]) or (
        words[-1] in ("-", "/dev/stdin")
    )


def unwrap(words: Sequence[str]) -> Wrapped | None:
    """The command inside a wrapper's command line; None: the program is no wrapper."""
    name = program_name(words[0])
    if name == "command" and words[1:2] in (["-v"], ["-V"]):
        return None
    if name in SHELLS:
        return _shell(words)
    special = _SPECIAL.get(name)
    if special is not None:
        return special(words)
    wrapper = WRAPPERS.get(name)
    return None if wrapper is None else _unwrapped(name, wrapper, list(words[1:]))


def program_name(word: str) -> str:
    """The name of a program, without its directory and a Windows suffix."""
    name = word.replace("\\", "/").rpartition("/")[2]
    for suffix in (".exe", ".cmd", ".bat", ".ps1"):
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
    return name


def _unwrapped(name: str, wrapper: Wrapper, words: list[str]) -> Wrapped | None:
    rest = _after(name, wrapper, words)
    if rest is None:
        return None
    found = Wrapped(elsewhere=wrapper.elsewhere, clears=name in ("sudo", "doas"))
    variables: list[tuple[str, str]] = []
    skip, index = wrapper.skip, 0
    while index < len(rest):
        word = rest[index]
        index += 1
        if word == "--":
            break
        if word.startswith("-") and len(word) > 1:
            found, taken = _option(name, wrapper, found, word, rest[index:])
            if found.text is not None:
                return found
            index += taken
        elif wrapper.assigns and _ASSIGNMENT.match(word):
            key, _, value = word.partition("=")
            variables.append((key, value))
        elif skip:
            skip -= 1
        else:
            index -= 1
            break
    return _with_command(name, replace(found, variables=tuple(variables)), rest[index:])


def _after(name: str, wrapper: Wrapper, words: list[str]) -> list[str] | None:
    """The words from the one at which the inner command begins; None: there is no command."""
    if name in _DASHED and "--" in words:
        return words[words.index("--") :]
    if wrapper.after is None:
        return words
    if name == "mise" and words[:1] == ["x"]:
        return words[1:]
    return words[words.index(wrapper.after) + 1 :] if wrapper.after in words[:4] else None


def _option(
    name: str, wrapper: Wrapper, found: Wrapped, word: str, following: list[str]
) -> tuple[Wrapped, int]:
    """The effect of a wrapper's option, and the number of further words that belong to the option."""
    bare, equals, value = word.partition("=")
    takes = not equals and (bare in wrapper.valued or _is_group(bare, wrapper))
    given = following[0] if takes and following else value
    if bare in wrapper.text and following:
        return replace(found, text=following[0]), 1
    if name == "env":
        match bare:
            case "-S" | "--split-string":
                found = replace(found, text=" ".join((given, *following[int(takes) :])))
            case "-C" | "--chdir":
                found = replace(found, folder=given)
            case "-u" | "--unset":
                found = replace(found, removed=(*found.removed, given))
            case "-i" | "--ignore-environment":
                found = replace(found, clears=True)
    if name == "sudo" and _keeps(bare):
        found = replace(found, clears=False)
    if name == "sudo" and (bare == "--login" or (not bare.startswith("--") and "i" in bare)):
        found = replace(found, elsewhere=True)
    return found, int(takes)


def _is_group(option: str, wrapper: Wrapper) -> bool:
    """Whether an option is several letters of which the last has the next word as value (``-iu NAME``)."""
    letters = option[1:]
    if len(letters) < 2 or not letters.isalpha() or option.startswith("--"):
        return False
    return f"-{letters[-1]}" in wrapper.valued and f"-{letters[0]}" not in wrapper.valued


def _with_command(name: str, found: Wrapped, words: list[str]) -> Wrapped | None:
    if not words:
        return None
    if name in _LISTS:
        return replace(found, text="\n".join(w for w in words if not w.startswith("npm:")))
    if len(words) == 1 and " " in words[0] and name in _TEXTS:
        return replace(found, text=words[0])
    return replace(found, words=tuple(words))


def _keeps(option: str) -> bool:
    short = not option.startswith("--") and "E" in option
    return short or option.startswith("--preserve-env")


def _shell(words: Sequence[str]) -> Wrapped | None:
    """The text of ``bash -ec 'text'``; None for a script file, which is judged on its own."""
    rest = iter(words[1:])
    for word in rest:
        if not word.startswith(("-", "+")):
            return None
        long = word.startswith("--")
        if word in ("--rcfile", "--init-file") or (not long and word[-1] in "oO"):
            next(rest, None)
        elif not long and word.endswith("c"):
            text = next(rest, None)
            return None if text is None else Wrapped(text=text, arguments=tuple(rest)[1:])
    return None


def _su(words: Sequence[str]) -> Wrapped | None:
    text, login, user = None, False, "root"
    rest = iter(words[1:])
    for word in rest:
        if word in ("-c", "--command"):
            text = next(rest, None)
        elif word in ("-", "-l", "--login"):
            login = True
        elif not word.startswith("-"):
            user = word
    if text is None:
        return None
    home = "/root" if user == "root" else f"/home/{user}"
    return Wrapped(text=text, clears=login, home=home, elsewhere=login)


def _cmd(words: Sequence[str]) -> Wrapped | None:
    for index, word in enumerate(words[1:], start=1):
        if word.lower() in ("/c", "/k", "/s/c") and index + 1 < len(words):
            return Wrapped(text=" ".join(words[index + 1 :]))
    return None


def _powershell(words: Sequence[str]) -> Wrapped | None:
    for index, word in enumerate(words[1:], start=1):
        if word.lower() in ("-c", "-command", "/c") and index + 1 < len(words):
            return Wrapped(text=" ".join(words[index + 1 :]))
    return None


def _docker(words: Sequence[str]) -> Wrapped | None:
    """The command of ``docker run IMAGE COMMAND``, which runs in a container with unknown files."""
    verbs = ("run", "exec")
    at = next((i for i, word in enumerate(words[1:6], start=1) if word in verbs), None)
    if at is None:
        return None
    index = at + 1
    variables: list[tuple[str, str]] = []
    mounts: list[tuple[str, str]] = []
    folder, entry = None, None
    flags = _set("-it -ti -i -t -d --rm --init --privileged --detach --interactive --tty -T --no-deps "
                 "--service-ports --quiet --no-TTY --build --use-aliases --read-only")  # fmt: skip
    while index < len(words) and words[index].startswith("-"):
        bare, equals, value = words[index].partition("=")
        takes = bare not in flags and not equals
        given = words[index + 1] if takes and index + 1 < len(words) else value
        if bare in ("-e", "--env"):
            name, _, text = given.partition("=")
            variables.append((name, text))
        elif bare in ("-w", "--workdir"):
            folder = given
        elif bare == "--entrypoint":
            entry = given
        elif bare in ("-v", "--volume"):
            source, _, target = given.partition(":")
            mounts.append((source, target.partition(":")[0]))
        elif bare == "--mount":
            pairs = dict(each.partition("=")[::2] for each in given.split(","))
            source = pairs.get("source", pairs.get("src", ""))
            mounts.append((source, pairs.get("target", pairs.get("dst", ""))))
        index += 2 if takes else 1
    rest = tuple(words[index + 1 :])
    if entry:
        rest = (entry, *rest)
    if not rest:
        return None
    return Wrapped(
        words=rest,
        variables=tuple(variables),
        clears=True,
        elsewhere=True,
        mounts=tuple(mounts),
        inside=folder,
    )


def _npm_script_runners(words: Sequence[str]) -> Wrapped | None:
    return None if len(words) < 2 else Wrapped(words=tuple(words[1:]))


def _runuser(words: Sequence[str]) -> Wrapped | None:
    """The command of ``runuser -u USER COMMAND``, or of ``runuser`` with the options of ``su``."""
    if not {"-u", "--user"}.isdisjoint(words) and "-c" not in words:
        return _unwrapped("runuser", Wrapper(_set("-u -g -s -G --user --group")), list(words[1:]))
    return _su(words)


_NODE_VERSION: Final = re.compile(
    r"v?\d[\w.]*\Z|node\Z|iojs\Z|lts\b|stable\Z|default\Z|system\Z|--", re.ASCII
)


def _of_node(words: Sequence[str]) -> Wrapped | None:
    """The command of ``nvm exec 22 COMMAND`` and ``n exec 22 COMMAND``; the version is optional."""
    rest = list(words[2:]) if words[1:2] in (["exec"], ["run"]) else []
    while rest and _NODE_VERSION.match(rest[0]):
        rest.pop(0)
    return Wrapped(words=tuple(rest)) if rest and words[1] == "exec" else None


def _retry(words: Sequence[str]) -> Wrapped | None:
    """The command of ``retry 3 COMMAND``; some programs first have a count and a duration."""
    rest = list(words[1:])
    while rest and rest[0].isdigit():
        rest.pop(0)
    return _unwrapped("retry", WRAPPERS["retry"], rest)


def _find(words: Sequence[str]) -> Wrapped | None:
    for flag in ("-exec", "-execdir", "-ok"):
        if flag in words:
            rest = list(words[list(words).index(flag) + 1 :])
            ends = [i for i, word in enumerate(rest) if word in (";", "+", "\\;")]
            return Wrapped(
                words=tuple(rest[: ends[0]] if ends else rest), elsewhere=flag == "-execdir"
            )
    return None


_SPECIAL: Final = {
    "su": _su,
    "runuser": _runuser,
    "nvm": _of_node,
    "n": _of_node,
    "retry": _retry,
    "cmd": _cmd,
    "pwsh": _powershell,
    "powershell": _powershell,
    "docker": _docker,
    "podman": _docker,
    "nerdctl": _docker,
    "finch": _docker,
    "docker-compose": _docker,
    "find": _find,
    "busybox": _npm_script_runners,
}
