"""Floor A: a Python process that asks git for the staged names."""

import subprocess

subprocess.run(["git", "diff", "--cached", "--name-only", "-z"], check=True, capture_output=True)
