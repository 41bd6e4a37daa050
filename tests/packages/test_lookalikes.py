"""Which names are one slip away from a known one, and how many honest names are taken for one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from npm_vetted.packages.lookalikes import Lookalike, lookalike, lookalikes
from npm_vetted.packages.lookalikes.known import (
    Index,
    is_popular,
    popular,
    products,
    unpopular,
    used,
)
from npm_vetted.packages.lookalikes.slips import SHORTEST, Near, SlipKind, lines, skeletons, slip

LITTLE_KNOWN = Path(__file__).parents[1] / "data" / "little-known-packages.txt"


@pytest.mark.parametrize(
    ("name", "known", "how"),
    [
        # a slip of the finger
        ("expres", "express", "drops 's'"),
        ("typscript", "typescript", "drops 'e'"),
        ("coffescript", "coffeescript", "drops 'e'"),
        ("lodashs", "lodash", "adds 's'"),
        ("discordi.js", "discord.js", "adds 'i'"),
        ("reactt", "react", "adds 't'"),
        ("jquerry", "jquery", "adds 'r'"),
        ("raect", "react", "swaps 'ea'"),
        ("axois", "axios", "swaps 'io'"),
        ("momnet", "moment", "swaps 'en'"),
        ("electorn", "electron", "swaps 'ro'"),
        ("lodahs", "lodash", "swaps 'sh'"),
        ("loadsh", "lodash", "swaps 'da'"),
        ("chakk", "chalk", "has 'k' in place of 'l'"),
        ("webpaxk", "webpack", "has 'x' in place of 'c'"),
        ("puppetear", "puppeteer", "has 'a' in place of 'e'"),
        ("react-domm", "react-dom", "adds 'm'"),
        ("cros-env", "cross-env", "drops 's'"),
        # a slip of the eye
        ("crossenv", "cross-env", "differs only in case, separators or letters that look alike"),
        ("cross_env", "cross-env", "differs only in case, separators or letters that look alike"),
        ("lo-dash", "lodash", "differs only in case, separators or letters that look alike"),
        ("crypto-jS", "crypto-js", "differs only in case, separators or letters that look alike"),
        ("l0dash", "lodash", "differs only in case, separators or letters that look alike"),
        ("1odash", "lodash", "differs only in case, separators or letters that look alike"),
        ("ax1os", "axios", "differs only in case, separators or letters that look alike"),
        ("cornmander", "commander", "differs only in case, separators or letters that look alike"),
        ("lоdаsh", "lodash", "differs only in case, separators or letters that look alike"),
        ("réact", "react", "differs only in case, separators or letters that look alike"),
        ("re\u200bact", "react", "differs only in case, separators or letters that look alike"),
        ("ｒｅａｃｔ", "react", "differs only in case, separators or letters that look alike"),
        # js, node and npm
        ("jquery.js", "jquery", "adds '.js'"),
        ("d3.js", "d3", "adds '.js'"),
        ("nodemailer-js", "nodemailer", "adds '-js'"),
        ("mysqljs", "mysql", "adds 'js'"),
        ("node-fabric", "fabric", "adds 'node-'"),
        ("noderequest", "request", "adds 'node'"),
        ("mssql-node", "mssql", "adds '-node'"),
        ("twilio-npm", "twilio", "adds '-npm'"),
        ("uglify", "uglify-js", "leaves 'js' out"),
        ("node-opencv", "opencv", "adds 'node-'"),
        ("node-opensl", "openssl", "adds 'node-' and drops 's'"),
        # words that add nothing, and words in another order
        ("plain-crypto-js", "crypto-js", "adds 'plain'"),
        ("web3-essential", "web3", "adds 'essential'"),
        ("eslint-config-airbnb-standard", "eslint-config-airbnb", "adds 'standard'"),
        ("env-cross", "cross-env", "has the same words in another order"),
        # scopes
        ("types-node", "@types/node", "differs only in the scope and its separators"),
        ("@bable/core", "@babel/core", "its scope swaps 'el'"),
        (
            "@babe1/core",
            "@babel/core",
            "differs only in case, separators or letters that look alike",
        ),
        ("@type/node", "@types/node", "its scope drops 's'"),
        ("@angulr/anything", "@angular/", "its scope drops 'a'"),
        ("@babeljs/core", "@babel/core", "its scope adds or drops 'js', 'node' or 'npm'"),
        ("@nest/core", "@nestjs/core", "its scope adds or drops 'js', 'node' or 'npm'"),
        ("@cross/env", "cross-env", "differs only in case, separators or letters that look alike"),
        ("@lodash/lodash", "lodash", "puts the package into a scope of its name"),
    ],
)
def test_what_is_flagged(name: str, known: str, how: str) -> None:
    assert lookalike(name) == Lookalike(known, how)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("react", id="popular itself"),
        pytest.param("preact", id="popular itself, one letter from react"),
        pytest.param("babel-core", id="popular itself, like @babel/core"),
        pytest.param("JSONStream", id="popular itself, with capitals"),
        pytest.param("@babel/coer", id="only the owner publishes in the scope"),
        pytest.param("@types/lodahs", id="only the owner publishes in the scope"),
        pytest.param("opencv", id="a product under its own name"),
        pytest.param("express-tidy-headers", id="says what it adds"),
        pytest.param("koa-acme-session", id="says what it adds"),
        pytest.param("cry", id="too short to be a slip"),
        pytest.param("mq", id="too short to be a slip"),
        pytest.param("cf-cli", id="another short word than in cp-cli"),
        pytest.param("@acme/react", id="a scope of its own"),
        pytest.param("@acme/lodahs", id="a scope of its own"),
        pytest.param("", id="empty"),
        pytest.param("@", id="only a scope's sign"),
        pytest.param("@/", id="empty scope"),
        pytest.param("-_.", id="only separators"),
    ],
)
def test_what_is_not_flagged(name: str) -> None:
    assert lookalike(name) is None


CROSSENV = {
    "babelcli": "babel-cli", "cross-env.js": "cross-env", "crossenv": "cross-env",
    "d3.js": "d3", "fabric-js": "fabric", "ffmepg": "ffmpeg", "gruntcli": "grunt-cli",
    "http-proxy.js": "http-proxy", "jquery.js": "jquery", "mongose": "mongoose",
    "mssql-node": "mssql", "mssql.js": "mssql", "mysqljs": "mysql", "node-fabric": "fabric",
    "node-opencv": "opencv", "node-opensl": "openssl", "node-openssl": "openssl",
    "node-sqlite": "sqlite", "nodefabric": "fabric", "nodeffmpeg": "ffmpeg",
    "nodemailer-js": "nodemailer", "nodemailer.js": "nodemailer", "nodemssql": "mssql",
    "noderequest": "request", "nodesass": "node-sass", "nodesqlite": "sqlite",
    "opencv.js": "opencv", "openssl.js": "openssl", "proxy.js": "proxy", "sqlite.js": "sqlite",
    "sqliter": "sqlite",
}  # fmt: skip
"""The incident of August 2017 (npm's blog has the list), each with what it was to be taken for."""

CROSSENV_WITHOUT_TARGET = {
    "mariadb": "has since become the official connector, and popular",
    "node-tkinter": "tkinter is a module of Python's, in no list of products or packages",
    "tkinter": "the very name of a Python module, no slip of it",
    "nodecaffe": "caffe was never a popular package",
    "shadowsock": "shadowsocks is not among the popular packages",
    "smb": "a protocol's very name",
    "sqlserver": "a product's very name",
}


@pytest.mark.parametrize(("name", "known"), CROSSENV.items())
def test_crossenv_is_caught(name: str, known: str) -> None:
    found = lookalike(name)
    assert found is not None
    assert found.known == known


@pytest.mark.parametrize("name", CROSSENV_WITHOUT_TARGET)
def test_crossenv_names_that_imitate_no_popular_package(name: str) -> None:
    """What no rule of likeness can catch: a change here is for the better, and belongs above."""
    assert lookalike(name) is None


def test_at_most_two_in_a_hundred_honest_names_are_flagged() -> None:
    names = [n for n in LITTLE_KNOWN.read_text().splitlines() if not n.startswith("#")]
    assert len(names) == len(set(names)) == 900
    flagged = {name for name in names if lookalike(name)}
    assert len(flagged) <= 0.01 * len(names)
    unscoped = {name for name in names if not name.startswith("@")}
    assert len(flagged & unscoped) <= 0.015 * len(unscoped)


def test_names_that_the_repository_uses_are_known() -> None:
    own = used(["acme-widgets", "@acme-corp/ui", "react"])
    assert lookalike("acme-widgets", own) is None
    assert lookalike("@acme-corp/anything", own) is None
    assert lookalike("acme-widgtes") is None
    assert lookalike("acme-widgtes", own) == Lookalike("acme-widgets", "swaps 'et'")
    assert lookalike("acmewidgets.js", own) == Lookalike("acme-widgets", "adds '.js'")
    assert lookalike("@acme-crop/ui", own) == Lookalike("@acme-corp/ui", "its scope swaps 'or'")
    assert lookalike("raect", own) == Lookalike("react", "swaps 'ea'")


def test_every_known_name_is_named_once() -> None:
    own = used(["axios-io", "axois-js"])
    assert list(lookalikes("axois", own)) == [
        Lookalike("axios", "swaps 'io'"),
        Lookalike("axois-js", "leaves 'js' out"),
    ]


def test_the_most_popular_of_several_is_named() -> None:
    index = Index(lines(["first-name", "firstname", "first.name"]))
    assert index.alike("first_name") == "first-name"
    assert [index.rank(name) for name in ("first-name", "first.name")] == [0, 2]


@pytest.mark.parametrize("more", [0, 1_000])
def test_few_and_many_names_are_sorted_out_alike(more: int) -> None:
    honest = [f"acme-widget-{number}" for number in range(more)]
    assert unpopular(["react", "raect", *honest, "lodash"]) == ["raect", *honest]


def test_the_data() -> None:
    assert is_popular("express")
    assert not is_popular("expres")
    assert not is_popular("")
    assert not is_popular("express\nreact")
    assert not is_popular("# packages")
    assert not is_popular("opencv")
    assert popular().rank("react") < popular().rank("sqlite")
    assert "opencv" in products()
    assert len(popular()) > 15_000
    assert len(products()) > 2_000


letters = st.text(st.sampled_from("abcdemnrst01-_."), max_size=12)


@given(letters.filter(lambda name: len(name) > 1), st.data())
def test_every_slip_is_seen(known: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(known) - 2))
    letter = data.draw(st.sampled_from("axz9"))
    for name in {
        known[:at] + known[at + 1 :],
        known[:at] + letter + known[at:],
        known[:at] + letter + known[at + 1 :],
        known[:at] + known[at + 1] + known[at] + known[at + 2 :],
    } - {known}:
        assert slip(known, name) is not None
        assert slip(name, known) is not None


@given(letters, letters)
def test_what_is_no_slip(one: str, other: str) -> None:
    """A reading of the definition that takes no short cut."""
    alphabet = set(one + other)
    made = {one[:i] + one[i + 1 :] for i in range(len(one))}
    made |= {one[:i] + c + one[i:] for i in range(len(one) + 1) for c in alphabet}
    made |= {one[:i] + c + one[i + 1 :] for i in range(len(one)) for c in alphabet}
    made |= {one[:i] + one[i + 1] + one[i] + one[i + 2 :] for i in range(len(one) - 1)}
    assert (slip(one, other) is not None) == (other in made - {one})


@given(st.lists(letters.filter(bool), max_size=8), letters)
@example(["ab"], "ba")
@example(["a"], "ab")
@example(["a"], "b")
@example(["abcd"], "acbd")
def test_the_index_finds_what_a_walk_through_all_names_finds(names: list[str], name: str) -> None:
    index = Index(lines(names), rank=0)
    walked = {
        (known, found)
        for known in names
        if (found := slip(known, name)) is not None and found.counts(known, 0)
    }
    assert set(index.slipped(name)) == walked


@pytest.mark.parametrize(
    ("known", "name", "kind"),
    [
        ("lodash", "lodaash", SlipKind.CLOSE),
        ("express", "expres", SlipKind.CLOSE),
        ("lodash", "lodsah", SlipKind.CLOSE),
        ("lodash", "lodasj", SlipKind.CLOSE),
        ("lodash", "lodush", SlipKind.REPLACED),
        ("lodash", "lodxash", SlipKind.ADDED),
        ("lodash", "lodas", SlipKind.DROPPED),
        ("jquery", "bquery", SlipKind.START),
        ("jquery", "query", SlipKind.START),
        ("jquery", "jquery2", SlipKind.DIGIT),
        ("base64", "base32x", None),
        ("lodash", "lodash", None),
        ("lodash", "lodahss", None),
        ("", "", None),
    ],
)
def test_kinds_of_slip(known: str, name: str, kind: SlipKind | None) -> None:
    found = slip(known, name)
    assert (found and found.kind) == kind


@given(st.lists(st.text(st.characters(exclude_characters="\n")), min_size=1))
@example(["İ", "ŉ", "ß", "ﬃ", "\r", "\x85", "\u2028"])
def test_skeletons_stay_apart(names: list[str]) -> None:
    """One pass over all names is one for each."""
    assert skeletons(names) == [skeletons([name])[0] for name in names]


@given(st.one_of(st.text(max_size=40), letters, letters.map("@".__add__)))
@example("a-" * 5_000)
@example("\n" * 50)
@example("@" + "/" * 5_000)
@example("node-" * 2_000)
@example("́" * 1_000)
def test_an_answer_whatever_the_name(name: str) -> None:
    found = lookalike(name, used(["acme-widgets", "line\nbreak", name[:5]]))
    assert found is None or found.known != name


def test_many_names_are_quick() -> None:
    """Ten thousand little-known names at once: the first commit of a huge lockfile."""
    lookalike("warm-up-the-index")
    start = time.process_time()
    for number in range(10_000):
        lookalike(f"acme-{number % 97}-widget-{number}")
    assert time.process_time() - start < 5


_SPELLINGS = st.text("ab1-", min_size=1, max_size=6)


@given(st.lists(_SPELLINGS, unique=True, max_size=40), st.lists(_SPELLINGS, min_size=1, max_size=5))
def test_a_search_finds_what_the_index_finds(known: list[str], asked: list[str]) -> None:
    searched, indexed = Index(lines(known)), Index(lines(known))
    for _ in range(200):
        list(indexed.slipped("b"))
        indexed.alike("b")
    for name in asked:
        assert searched.alike(name) == indexed.alike(name)
        assert list(searched.slipped(name)) == list(indexed.slipped(name))
        assert (name in searched) == (name in indexed) == (name in known)
        assert searched.rank(name) == indexed.rank(name)


@pytest.mark.parametrize("name", ["a", "ms"])
def test_names_too_short_for_a_slip_are_not_searched(name: str) -> None:
    """Their halves are in most lines, so a search takes longer than the rest of a small check."""
    searched: list[object] = []

    class Watched(Near):
        def _searched(self, name: str, length: int) -> list[str]:
            searched.append(length)
            return []

    assert list(Watched(lines(["abcd", "ab"]), SHORTEST).to(name)) == []
    assert searched == []
    assert list(Watched(lines(["abcd", "ab"]), SHORTEST).to("abc")) == []
    assert searched == [SHORTEST]


def test_a_scope_is_as_popular_as_its_best_package() -> None:
    searched, indexed = (Index(lines(["a", "@b", "@c/d", "@c/e", "@a/f"])) for _ in range(2))
    for _ in range(200):
        indexed.rank("b")
    for index in (searched, indexed):
        assert [index.scope_rank(each) for each in ("@a", "@c", "@b", "@d", "a", "@c\n")] == [
            4, 2, 1_000_000, 1_000_000, 1_000_000, 1_000_000,
        ]  # fmt: skip


@given(st.lists(_SPELLINGS, unique=True, max_size=40), _SPELLINGS)
def test_what_shares_a_half_is_found_in_the_order_of_the_index(known: list[str], name: str) -> None:
    near = Near(lines(known))
    for length in range(max(len(name) - 1, 1), len(name) + 2):
        assert list(near._searched(name, length)) == list(near._indexed(name, length))
