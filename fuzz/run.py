"""Coverage-guided fuzzing of every reader: ``python fuzz/run.py [TARGET ...] --seconds 60``.

Needs the extra ``fuzz`` (atheris, which is libFuzzer for Python). What is interesting is kept below
``.cache/fuzz/``; an input that breaks a reader is written to ``tests/fuzz_cases/<target>/``, where
the fast suite tries it from then on. Exit status 1 where there is one.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT / ".cache" / "fuzz"
PATIENCE = 8.0
"""How much slower a reader may be than without atheris' instruments, on a busy machine."""


def main() -> int:
    """Fuzz each target in a process of its own; a line of figures for each."""
    sys.path.insert(0, str(ROOT))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        fuzz(arguments.one, arguments.seconds)
    from tests.support.fuzz_targets import TARGETS

    broken = 0
    for name in arguments.targets or TARGETS:
        broken += not run(name, arguments.seconds)
    return 1 if broken else 0


def run(name: str, seconds: int) -> bool:
    """Fuzz one target, saying how it went; whether nothing broke."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, __file__, "--one", name, "--seconds", str(seconds)],
        stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True, errors="replace", check=False,
    )  # fmt: skip
    runs = re.findall(r"^#(\d+)\s", done.stdout, re.MULTILINE)
    covered = re.findall(r" cov: (\d+) ", done.stdout)
    print(
        f"{name}: {time.monotonic() - began:.0f} s, {runs[-1] if runs else 0} runs, "
        f"{covered[-1] if covered else 0} edges, {'nothing broke' if not done.returncode else 'BROKEN'}",
        flush=True,
    )
    if done.returncode:
        print("\n".join(done.stdout.splitlines()[-40:]), flush=True)
    return not done.returncode


def fuzz(name: str, seconds: int) -> None:
    """Fuzz one target until the time is over or something breaks; does not return."""
    import atheris  # type: ignore[import-untyped]

    with atheris.instrument_imports(include=["npm_vetted"]):
        from tests.support.fuzz_targets import CASES, TARGETS

    target = TARGETS[name]
    seeds, found = CORPUS / name, CASES / name
    for folder in (seeds, found):
        folder.mkdir(parents=True, exist_ok=True)
    for data in target.seeds():
        (seeds / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    atheris.Setup(
        [sys.argv[0], f"-max_total_time={seconds}", "-max_len=20000", "-timeout=60", "-rss_limit_mb=500",
         f"-artifact_prefix={found}{os.sep}", str(seeds)],
        lambda data: target.run(data, PATIENCE),
    )  # fmt: skip
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
