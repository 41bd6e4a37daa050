"""Floor B: a Python process that imports GitPython and reads both versions of a lockfile.

``read_lockfile.py package-lock.json json`` also decodes them; the other formats are only read.
"""

import json
import sys

import git

repository = git.Repo(".")
path, *words = sys.argv[1:]
texts = [repository.git.show(f"HEAD:{path}"), repository.git.show(f":{path}")]
if words == ["json"]:
    versions = [json.loads(text) for text in texts]
