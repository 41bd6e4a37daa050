"""When is an artifact vetted, accepted, exempt or first-party, and what is missing if it is not."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

from npm_vetted.model import Artifact, Kind
from npm_vetted.vetting.exemptions import Exemptions
from npm_vetted.vetting.notes import NoteStore
from npm_vetted.vetting.policy import CONFIG, read_policy
from npm_vetted.vetting.resolver import GapReason, Status, Vetting, VettingRequest
from tests.support.npm_projects import MemorySnapshot, listed, note_text, sri

NOTES = ".vetting/notes/"
GROUP = f"{NOTES}_groups/2020-01-02-a-abcd.toml"
Files = Mapping[str, str]


def vetting(files: Files, config: str = "", exemptions: str = "") -> Vetting:
    policy = read_policy(f"format = 1\n{config}".encode(), adopted=True)
    notes = NoteStore(MemorySnapshot({CONFIG: config, **files}), policy.criteria)
    return Vetting(policy, Exemptions(exemptions), notes)


def artifact(name: str = "a", version: str = "1.0.0", **fields: Any) -> Artifact:
    integrity = fields.pop("integrity", sri(f"{name}@{version}"))
    return Artifact(name=name, version=version, kind=Kind.REGISTRY, integrity=integrity, **fields)


def subject(name: str = "a", version: str = "1.0.0", **keys: Any) -> VettingRequest:
    keys = {"direct": True, "development": False, **keys}
    return VettingRequest(artifact=artifact(name, version), **keys)


def notes(*each: tuple[str, str, dict[str, Any]]) -> dict[str, str]:
    """Notes of packages, by where they belong."""
    return {
        f"{NOTES}{package}/{version}.toml": note_text(package, version, **keys)
        for package, version, keys in each
    }


def answer(judge: Vetting, what: VettingRequest) -> Status | GapReason:
    verdict = judge.decide(what)
    return verdict.status if verdict.gap is None else verdict.gap.lack


# Criteria by the step of an upgrade.

TABLE = (
    '[policy]\nupgrade = { major = ["health", "changelog"], minor = ["changelog"], patch = [] }\n'
)


@pytest.mark.parametrize(
    ("config", "previous", "version", "demanded"),
    [
        ("", None, "1.0.0", ("health",)),
        ("", "1.0.0", "1.0.1", ("changelog",)),
        ("", "1.0.0", "2.0.0", ("changelog",)),
        (TABLE, None, "2.0.0", ("health",)),
        (TABLE, "1.2.3", "2.0.0", ("health", "changelog")),
        (TABLE, "1.2.3", "1.3.0", ("changelog",)),
        (TABLE, "1.2.3", "1.2.4", ()),
        (TABLE, "1.2.3", "1.2.3-beta.1", ("health", "changelog")),
        (TABLE, "2.0.0", "1.9.0", ("health", "changelog")),
        (TABLE, "0.1.0", "0.2.0", ("health", "changelog")),
        (TABLE, "0.1.0", "0.1.1", ()),
        (TABLE, "not-semver", "1.0.0", ("health", "changelog")),
        ('[policy]\nnew = ["health", "source"]\n', None, "1.0.0", ("health", "source")),
        ("[policy]\nupgrade = { patch = [] }\n", "1.0.0", "2.0.0", ("changelog",)),
    ],
)
def test_what_is_demanded(
    config: str, previous: str | None, version: str, demanded: tuple[str, ...]
) -> None:
    judge = vetting({}, config)
    assert judge.demanded(subject(version=version), previous) == demanded
    locked = subject(version=version, previous=(previous,) if previous else ())
    assert judge.demanded(locked, None) == demanded


@pytest.mark.parametrize(
    ("criteria", "previous", "expected"),
    [
        (["health"], (), Status.VETTED),
        (["source"], (), GapReason.CRITERIA),
        (["health", "changelog"], (), Status.VETTED),
        (["changelog"], (), GapReason.CRITERIA),
        (["changelog"], ("0.9.0",), Status.VETTED),
        (["health"], ("0.9.0",), GapReason.CRITERIA),
    ],
)
def test_a_note_of_its_own(
    criteria: list[str], previous: tuple[str, ...], expected: Status | GapReason
) -> None:
    judge = vetting(notes(("a", "1.0.0", {"criteria": criteria})))
    assert answer(judge, subject(previous=previous)) is expected


def test_source_implies_scripts() -> None:
    judge = vetting(notes(("a", "1.0.0", {"criteria": ["health", "source"]})))
    mention = judge.decide(subject()).mention
    assert mention is not None
    assert judge.lacking_scripts(subject(), mention.note.grants) == ()


# Delta chains.

CHAINS: dict[str, tuple[dict[str, str], str, Status | GapReason]] = {
    "from a whole review": (
        notes(("a", "1.0.0", {}), ("a", "1.1.0", {"from_": "1.0.0", "criteria": ["changelog"]})),
        "", Status.VETTED,
    ),
    "from nothing": (
        notes(("a", "1.1.0", {"from_": "1.0.0", "criteria": ["changelog"]})),
        "", GapReason.CHAIN,
    ),
    "from an exemption": (
        notes(("a", "1.1.0", {"from_": "1.0.0", "criteria": ["changelog"]})),
        f"a@1.0.0 {sri('a@1.0.0')} - at adoption\n", Status.VETTED,
    ),
    "from what another note brings": (
        notes(
            ("b", "1.0.0", {"brings": [listed("a", "1.0.0")]}),
            ("a", "1.1.0", {"from_": "1.0.0", "criteria": ["changelog"]}),
        ),
        "", Status.VETTED,
    ),
    "from a note that says too little": (
        notes(
            ("a", "1.0.0", {"criteria": ["changelog"]}),
            ("a", "1.1.0", {"from_": "1.0.0", "criteria": ["changelog"]}),
        ),
        "", GapReason.CHAIN,
    ),
    "from itself": (
        notes(("a", "1.1.0", {"from_": "1.1.0", "criteria": ["changelog"]})),
        "", GapReason.CHAIN,
    ),
    "in a circle": (
        notes(
            ("a", "1.0.0", {"from_": "1.1.0", "criteria": ["changelog"]}),
            ("a", "1.1.0", {"from_": "1.0.0", "criteria": ["changelog"]}),
        ),
        "", GapReason.CHAIN,
    ),
    "of another package's version": (
        notes(("b", "1.0.0", {}), ("a", "1.1.0", {"from_": "1.0.0", "criteria": ["changelog"]})),
        "", GapReason.CHAIN,
    ),
    "backwards, a downgrade": (
        notes(("a", "1.2.0", {}), ("a", "1.1.0", {"from_": "1.2.0", "criteria": ["changelog"]})),
        "", Status.VETTED,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "exemptions", "expected"), CHAINS.values(), ids=CHAINS)
def test_chains(files: Files, exemptions: str, expected: Status | GapReason) -> None:
    assert answer(vetting(files, exemptions=exemptions), subject(version="1.1.0")) is expected


def test_a_long_chain_costs_no_stack_and_no_square_of_time() -> None:
    delta = [
        ("a", f"1.{at}.0", {"from_": f"1.{at - 1}.0", "criteria": ["changelog"]})
        for at in range(1, 1500)
    ]
    judge = vetting(notes(("a", "1.0.0", {}), *delta))
    start = time.process_time()
    assert answer(judge, subject(version="1.1499.0")) is Status.VETTED
    assert time.process_time() - start < 20


# What a note brings, what a group accepts, what is direct.

BROUGHT = notes(("b", "1.0.0", {"brings": [listed("a")]}))
ACCEPTED = {GROUP: note_text(None, accepts=[listed("a")])}
ACCEPTED_FULLY = {GROUP: note_text(None, accepts=[listed("a")], criteria=["changelog"])}
OWN = notes(("a", "1.0.0", {}))


@pytest.mark.parametrize(
    ("files", "transitive", "direct", "expected"),
    [
        (BROUGHT, "accepted", False, Status.ACCEPTED),
        (BROUGHT, "accepted", True, GapReason.DIRECT),
        (BROUGHT, "note", False, GapReason.OWN),
        (BROUGHT, "ignore", False, Status.ACCEPTED),
        (ACCEPTED, "accepted", False, Status.ACCEPTED),
        (ACCEPTED, "accepted", True, Status.ACCEPTED),
        (ACCEPTED, "note", False, Status.ACCEPTED),
        (ACCEPTED_FULLY, "accepted", False, GapReason.CRITERIA),
        (ACCEPTED_FULLY, "accepted", True, GapReason.CRITERIA),
        (ACCEPTED_FULLY, "note", False, GapReason.CRITERIA),
        (OWN, "accepted", False, Status.VETTED),
        (OWN, "note", False, Status.VETTED),
        ({}, "accepted", False, GapReason.NOTE),
        ({}, "note", False, GapReason.NOTE),
        ({}, "ignore", False, Status.ACCEPTED),
        ({}, "ignore", True, GapReason.NOTE),
    ],
)
def test_transitive(
    files: Files, transitive: str, direct: bool, expected: Status | GapReason
) -> None:
    judge = vetting(files, f'[policy]\ntransitive = "{transitive}"\n')
    assert answer(judge, subject(direct=direct)) is expected


@pytest.mark.parametrize(
    ("development", "expected"), [(True, Status.VETTED), (False, GapReason.CRITERIA)]
)
def test_development_has_a_policy_of_its_own(
    development: bool, expected: Status | GapReason
) -> None:
    config = '[policy]\nnew = ["source"]\n[policy.development]\nnew = ["health"]\n'
    assert answer(vetting(OWN, config), subject(development=development)) is expected


def test_development_is_asked_as_much_as_all_where_nothing_is_said() -> None:
    config = '[policy]\nnew = ["source"]\n[policy.development]\ncooldown-days = 0\n'
    assert answer(vetting(OWN, config), subject(development=True)) is GapReason.CRITERIA


# Bytes.


@pytest.mark.parametrize(
    ("locked", "expected"),
    [
        (artifact(), Status.VETTED),
        (artifact(integrity=sri("others")), GapReason.BYTES),
        (artifact(integrity=None), GapReason.BYTES),
        (artifact(patch="sha256-x"), GapReason.BYTES),
        (artifact(integrity=sri("a@1.0.0", "sha384")), GapReason.BYTES),
    ],
)
def test_a_note_binds_bytes(locked: Artifact, expected: Status | GapReason) -> None:
    assert (
        answer(vetting(OWN), VettingRequest(artifact=locked, direct=True, development=False))
        is expected
    )


def test_ignored_transitive_packages_are_still_held_against_a_note_of_theirs() -> None:
    judge = vetting(OWN, '[policy]\ntransitive = "ignore"\n')
    locked = artifact(integrity=sri("others"))
    what = VettingRequest(artifact=locked, direct=False, development=False)
    assert answer(judge, what) is GapReason.BYTES


def test_a_second_note_vouches_for_other_bytes() -> None:
    second = note_text("a", integrity=sri("others"))
    judge = vetting({**OWN, f"{NOTES}a/1.0.0.2.toml": second})
    for integrity in (sri("others"), sri("a@1.0.0")):
        locked = artifact(integrity=integrity)
        assert judge.decide(VettingRequest(artifact=locked, direct=True, development=False)).covered
    locked = artifact(integrity=sri("third"))
    assert not judge.decide(VettingRequest(artifact=locked, direct=True, development=False)).covered


def test_another_clients_hash_covers_but_says_so() -> None:
    locked = artifact(integrity=None, checksum="a" * 128)
    verdict = vetting(OWN).decide(VettingRequest(artifact=locked, direct=True, development=False))
    assert (verdict.status, verdict.unbound) == (Status.VETTED, True)


GIT = "git+https://github.com/o/r.git#" + "1" * 40


@pytest.mark.parametrize(
    ("resolved", "expected"), [(GIT, Status.VETTED), (GIT[:-1] + "2", GapReason.BYTES)]
)
def test_a_note_of_a_commit(resolved: str, expected: Status | GapReason) -> None:
    text = note_text("a", None, integrity=None, resolved=GIT)
    locked = Artifact(name="a", version=None, kind=Kind.GIT, resolved=resolved)
    judge = vetting({f"{NOTES}a/{'1' * 12}.toml": text})
    assert (
        answer(judge, VettingRequest(artifact=locked, direct=True, development=False)) is expected
    )


def test_a_list_may_name_a_commit() -> None:
    ssh = "git+ssh://git@github.com/o/r.git#" + "1" * 40
    text = note_text("b", brings=[{"package": f"a@{ssh}", "resolved": ssh}])
    locked = Artifact(name="a", version=None, kind=Kind.GIT, resolved=ssh)
    judge = vetting({f"{NOTES}b/1.0.0.toml": text})
    found = answer(judge, VettingRequest(artifact=locked, direct=False, development=False))
    assert found is Status.ACCEPTED


# Exemptions.


@pytest.mark.parametrize(
    ("locked", "expected"),
    [
        (artifact(), Status.EXEMPT),
        (artifact(resolved="https://registry.npmjs.org/a/-/a-1.0.0.tgz"), Status.EXEMPT),
        (artifact(resolved="https://registry.yarnpkg.com/a/-/a-1.0.0.tgz"), Status.EXEMPT),
        (artifact(resolved="https://elsewhere.example/a-1.0.0.tgz"), GapReason.NOTE),
        (artifact(integrity=sri("others")), GapReason.NOTE),
        (artifact(integrity=None), GapReason.NOTE),
        (artifact(version="1.0.1"), GapReason.NOTE),
        (artifact(name="A"), GapReason.NOTE),
    ],
)
def test_an_exemption_binds_bytes_and_source(
    locked: Artifact, expected: Status | GapReason
) -> None:
    judge = vetting({}, exemptions=f"a@1.0.0 {sri('a@1.0.0')} - at adoption\n")
    assert (
        answer(judge, VettingRequest(artifact=locked, direct=True, development=False)) is expected
    )


# First-party.

OURS = '[[first-party]]\nscopes = ["@acme"]\nregistry = "https://npm.acme.example/"\n'


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("@acme/a", Kind.REGISTRY, Status.FIRST_PARTY),
        ("@acme-evil/a", Kind.REGISTRY, GapReason.NOTE),
        ("@acm/a", Kind.REGISTRY, GapReason.NOTE),
        ("acme", Kind.REGISTRY, GapReason.NOTE),
        ("@Acme/a", Kind.REGISTRY, GapReason.NOTE),
        ("@acme/a", Kind.FILE, GapReason.NOTE),
        ("@acme/a", Kind.GIT, GapReason.NOTE),
    ],
)
def test_first_party(name: str, kind: Kind, expected: Status | GapReason) -> None:
    locked = Artifact(name=name, version="1.0.0", kind=kind, resolved="file:a.tgz")
    what = VettingRequest(artifact=locked, direct=True, development=False)
    assert answer(vetting({}, OURS), what) is expected


INNER = {"package": "inner@9.9.9"}


@pytest.mark.parametrize(
    ("keys", "format_", "expected"),
    [
        (None, 2, GapReason.NOTE),
        ({}, 2, GapReason.BUNDLED),
        ({"bundles": [INNER]}, 2, Status.ACCEPTED),
        ({"bundles": [INNER]}, 1, GapReason.BUNDLED),
        ({"bundles": [{"package": "inner@9.9.8"}]}, 2, GapReason.BUNDLED),
        ({"bundles": [{"package": "other@9.9.9"}]}, 2, GapReason.BUNDLED),
        ({"bundles": [{**INNER, "path": "node_modules/x/node_modules/inner"}]}, 2, GapReason.BUNDLED),
        ({"bundles": [INNER], "integrity": sri("other bytes")}, 2, GapReason.BYTES),
        # A name that is new to the repository needs the criteria of `new`, also in a tarball.
        ({"bundles": [INNER], "criteria": ["changelog"], "from_": "0.9.0"}, 2, GapReason.BUNDLED),
    ],
)  # fmt: skip
def test_what_a_tarball_carries_needs_its_note_to_list_it(
    keys: dict[str, Any] | None, format_: int, expected: Status | GapReason
) -> None:
    inner = Artifact(name="inner", version="9.9.9", kind=Kind.REGISTRY, bundled=True)
    files = {} if keys is None else notes(("a", "1.0.0", keys), ("a", "0.9.0", {}))
    policy = read_policy(f"format = {format_}\n".encode(), adopted=True)
    store = NoteStore(MemorySnapshot(files), policy.criteria)
    earlier = {path: text for path, text in files.items() if path.endswith("0.9.0.toml")}
    committed = NoteStore(MemorySnapshot(earlier), policy.criteria)
    what = VettingRequest(
        artifact=inner, direct=False, development=False, carrier=artifact(),
        carried_at="node_modules/inner",
    )  # fmt: skip
    assert answer(Vetting(policy, Exemptions(""), store, committed), what) is expected


def test_a_malformed_or_misplaced_note_covers_nothing() -> None:
    for files in (
        {f"{NOTES}a/1.0.0.toml": note_text("a", criteria=["helth"])},
        {f"{NOTES}a/1.0.0.toml": "package = "},
        {f"{NOTES}b/1.0.0.toml": note_text("a")},
        {f"{NOTES}a/1.0.1.toml": note_text("a")},
        {f"{NOTES}a/1.0.0.txt": note_text("a")},
        {f"{NOTES}a/b/1.0.0.toml": note_text("a")},
    ):
        assert answer(vetting(files), subject()) is GapReason.NOTE
