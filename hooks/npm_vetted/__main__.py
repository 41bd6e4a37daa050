"""``python -m npm_vetted``: the same as the ``npm-vetted`` command."""

import sys

from npm_vetted.cli import main

if __name__ == "__main__":
    sys.exit(main())
