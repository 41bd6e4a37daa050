"""The entry point of ``npm-vetted`` and ``python -m npm_vetted``: it imports nothing from the repository.

``python -m`` puts the current folder on ``sys.path``, and so does ``PYTHONPATH=.``: a ``yaml.py``
there would be imported in place of the real one. What Python itself imports before it comes here
(a ``sitecustomize``, ``npm_vetted`` itself, both by PYTHONPATH) only ``python -I`` keeps out, which
is how the hooks are run.
"""

from __future__ import annotations

import os
import sys

from npm_vetted.git.process import is_within, work_tree


def isolate() -> None:
    """Remove the repository's folders from ``sys.path``, except for our own installation."""
    try:
        top = work_tree(os.getcwd())  # noqa: PTH109
    except FileNotFoundError:
        print("npm-vetted: the current folder no longer exists; change to another", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    kept = [os.path.realpath(each) for each in (sys.prefix, sys.base_prefix, own)]
    sys.path[:] = [
        each
        for each in sys.path
        if os.path.isabs(each)  # noqa: PTH117
        and (not is_within(each, top) or any(is_within(each, place) for place in kept))
    ]


isolate()

from npm_vetted.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
