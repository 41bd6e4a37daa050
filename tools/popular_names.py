"""Make hooks/npm_vetted/packages/lookalikes/popular-names.txt from two public lists in the npm registry.

npm-high-impact lists the packages with a million downloads a week or 500 dependents; simple-icons
lists products, whose names people expect on npm though the product never published there (the
crossenv incident of 2017 used them: node-openssl, opencv.js). The real npm fetches both and checks
their integrity; nothing of them is executed.

    python tools/popular_names.py             # the newest versions
    python tools/popular_names.py 1.13.0 16.37.0
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

TARGET = (
    Path(__file__).parents[1]
    / "hooks"
    / "npm_vetted"
    / "packages"
    / "lookalikes"
    / "popular-names.txt"
)

HEADER = """\
# Names that a package may imitate; made by tools/popular_names.py.
# Packages, the most popular first: {popular} of {popular_date}
# (a million downloads a week, or 500 dependents).
# Products, in alphabetical order: {products} of {products_date}.
"""

SHORTEST_PRODUCT = 5
"""Shorter names of products are words that honest packages are made of."""


def fetch(spec: str, folder: Path) -> tuple[str, str, dict[str, str]]:
    """``name@version``, the day it was published, and the text of each file of its tarball."""
    packed = subprocess.run(
        ["npm", "pack", spec, "--json", "--ignore-scripts"],
        cwd=folder,
        check=True,
        stdout=subprocess.PIPE,
    )
    label = json.loads(packed.stdout)[0]["id"]
    viewed = subprocess.run(
        ["npm", "view", label, "time", "--json"], cwd=folder, check=True, stdout=subprocess.PIPE
    )
    day = json.loads(viewed.stdout)[label.rpartition("@")[2]][:10]
    archive = folder / json.loads(packed.stdout)[0]["filename"]
    with tarfile.open(archive) as tar:
        members = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
        wanted = re.compile(r"package/(lib/top-\w+\.js|data/simple-icons\.json)")
        files = {
            name: file.read().decode()
            for name, file in members.items()
            if file is not None and wanted.fullmatch(name)
        }
    return label, day, files


def names_in(module: str) -> list[str]:
    """The strings of a module that exports one list of strings, one a line."""
    return re.findall(r"^  '([^'\s]+)',?$", module, re.MULTILINE)


def by_popularity(dependents: Sequence[str], downloads: Sequence[str]) -> list[str]:
    """Both lists in one, each name at the better of its two places."""
    place: dict[str, int] = {}
    for names in (dependents, downloads):
        for index, name in enumerate(names):
            place[name] = min(index, place.get(name, index))
    return sorted(place, key=lambda name: (place[name], name))


def main(argv: Sequence[str] | None = None) -> int:
    """Write the data file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("popular", nargs="?", default="latest", help="version of npm-high-impact")
    parser.add_argument("products", nargs="?", default="latest", help="version of simple-icons")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        popular, popular_date, lists = fetch(f"npm-high-impact@{args.popular}", Path(folder))
        products, products_date, icons = fetch(f"simple-icons@{args.products}", Path(folder))
    names = by_popularity(
        names_in(lists["package/lib/top-dependent.js"]),
        names_in(lists["package/lib/top-download.js"]),
    )
    slugs = {icon["slug"] for icon in json.loads(icons["package/data/simple-icons.json"])}
    others = sorted(slug for slug in slugs - set(names) if len(slug) >= SHORTEST_PRODUCT)
    header = HEADER.format(
        popular=popular,
        popular_date=popular_date,
        products=products,
        products_date=products_date,
    )
    text = header + "\n".join(["# packages", *names, "# products", *others]) + "\n"
    TARGET.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
