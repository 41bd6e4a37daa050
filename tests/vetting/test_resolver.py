"""When is an artifact vetted, accepted, exempt or first-party, and what is missing if it is not."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

from npm_vetted.model import Artifact, Kind
from npm_vetted.vetting.exemptions import Exemptions
from npm_vetted.vetting.note_store import NoteStore
from npm_vetted.vetting.policy import CONFIG, read_policy
from npm_vetted.vetting.resolver import (
    Gap,
    GapReason,
    Status,
    Vetting,
    VettingRequest,
    arrival_of,
    has_scripts,
    noted_scripts,
)
from tests.support.npm_projects import MemorySnapshot, listed, note_text, routine_text, sri

NOTES = ".vetting/notes/"
GROUP = f"{NOTES}_groups/2020-01-02-a-abcd.toml"
Files = Mapping[str, str]


def vetting(
    files: Files,
    config: str = "",
    exemptions: str = "",
    committed: Files | None = None,
    form: int = 1,
    locked: tuple[str, ...] = (),
) -> Vetting:
    policy = read_policy(f"format = {form}\n{config}".encode(), adopted=True)
    notes = NoteStore(MemorySnapshot({CONFIG: config, **files}), policy.criteria)
    earlier = None if committed is None else NoteStore(MemorySnapshot(committed), policy.criteria)
    return Vetting(policy, Exemptions(exemptions), notes, earlier, locked.__contains__)


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
    ("transitive", "expected"), [("accepted", Status.ACCEPTED), ("note", GapReason.CRITERIA)]
)
def test_an_accepted_package_needs_the_criteria_of_its_step_where_each_needs_a_note(
    transitive: str, expected: Status | GapReason
) -> None:
    judge = vetting(ACCEPTED, f'[policy]\ntransitive = "{transitive}"\n')
    assert answer(judge, subject(direct=False, previous=("0.9.0",))) is expected


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


# What a gap tells.


def gap(judge: Vetting, what: VettingRequest) -> Gap:
    found = judge.decide(what).gap
    assert found is not None
    return found


def noted_in(found: Gap) -> str | None:
    return None if found.mention is None else found.mention.note.path


A_NOTE, B_NOTE = f"{NOTES}a/1.0.0.toml", f"{NOTES}b/1.0.0.toml"


def test_a_gap_names_the_note_and_what_it_lacks() -> None:
    found = gap(vetting(OWN, '[policy]\nnew = ["health", "source"]\n'), subject())
    assert (found.lack, found.criteria, noted_in(found)) == (
        GapReason.CRITERIA,
        ("source",),
        A_NOTE,
    )
    found = gap(vetting(BROUGHT), subject(direct=True))
    assert (found.lack, noted_in(found)) == (GapReason.DIRECT, B_NOTE)
    found = gap(vetting(BROUGHT, '[policy]\ntransitive = "note"\n'), subject(direct=False))
    assert (found.lack, noted_in(found)) == (GapReason.OWN, B_NOTE)
    delta = notes(("a", "1.1.0", {"from_": "1.0.0", "criteria": ["changelog"]}))
    found = gap(vetting(delta), subject(version="1.1.0"))
    assert (found.lack, found.since, noted_in(found)) == (
        GapReason.CHAIN, "1.0.0", f"{NOTES}a/1.1.0.toml",
    )  # fmt: skip
    locked = VettingRequest(artifact(integrity=sri("others")), direct=True, development=False)
    found = gap(vetting(OWN), locked)
    assert (found.lack, noted_in(found)) == (GapReason.BYTES, A_NOTE)
    assert gap(vetting({}), subject()) == Gap(lack=GapReason.NOTE)


def test_the_most_telling_of_several_gaps_is_told() -> None:
    other_bytes = note_text("a", integrity=sri("others"))
    files = {A_NOTE: note_text("a", criteria=["changelog"]), f"{NOTES}a/1.0.0.2.toml": other_bytes}
    assert gap(vetting(files), subject()).lack is GapReason.BYTES
    files = {A_NOTE: note_text("a", criteria=["changelog"]), **BROUGHT}
    assert gap(vetting(files), subject()).lack is GapReason.CRITERIA
    delta = note_text("a", criteria=["changelog"], from_="0.9.0")
    files = {A_NOTE: note_text("a", criteria=[]), f"{NOTES}a/1.0.0.2.toml": delta}
    assert gap(vetting(files), subject()).lack is GapReason.CRITERIA


# Names that are new to the repository.

LISTED_WITH_LITTLE = notes(
    ("b", "0.9.0", {}), ("b", "1.0.0", {"from_": "0.9.0", "criteria": ["changelog"], "brings": [listed("a")]})
)  # fmt: skip


@pytest.mark.parametrize(
    ("exemptions", "committed", "previous", "expected"),
    [
        ("", None, (), GapReason.CRITERIA),
        ("", {}, (), GapReason.CRITERIA),
        # That such a note was committed alone makes no name known.
        ("", LISTED_WITH_LITTLE, (), GapReason.CRITERIA),
        ("", notes(("b", "0.8.0", {"brings": [listed("a", "0.9.0")]})), (), Status.ACCEPTED),
        ("", notes(("a", "0.9.0", {})), (), Status.ACCEPTED),
        ("", notes(("a", "0.9.0", {"criteria": ["changelog"]})), (), GapReason.CRITERIA),
        ("", None, ("0.9.0",), Status.ACCEPTED),
        (f"a@0.9.0 {sri('a@0.9.0')} - at adoption\n", None, (), Status.ACCEPTED),
    ],
)
def test_a_new_name_needs_the_criteria_of_new_also_where_another_package_brings_it(
    exemptions: str,
    committed: Files | None,
    previous: tuple[str, ...],
    expected: Status | GapReason,
) -> None:
    judge = vetting(LISTED_WITH_LITTLE, exemptions=exemptions, committed=committed)
    assert answer(judge, subject(direct=False, previous=previous)) is expected


def test_a_parent_s_program_for_one_platform_is_no_new_name() -> None:
    judge = vetting(LISTED_WITH_LITTLE)
    part = subject(direct=False, program_of="b")
    assert answer(judge, subject(direct=False)) is GapReason.CRITERIA
    assert answer(judge, part) is Status.ACCEPTED
    assert answer(vetting({}), part) is GapReason.NOTE, "the parent's note has to list it"
    assert judge.is_new_name(part._replace(direct=True))


def test_a_name_that_another_project_locked_is_not_new() -> None:
    judge = vetting(LISTED_WITH_LITTLE, committed=LISTED_WITH_LITTLE, locked=("a",))
    assert answer(judge, subject(direct=False)) is Status.ACCEPTED


@pytest.mark.parametrize(
    ("criteria", "locked", "expected"),
    [
        (["changelog"], (), GapReason.CHAIN),
        (["changelog"], ("a",), Status.VETTED),
        (["health", "changelog"], (), Status.VETTED),
    ],
)
def test_no_chain_starts_at_a_new_name_that_a_note_only_lists(
    criteria: list[str], locked: tuple[str, ...], expected: Status | GapReason
) -> None:
    start = {"from_": "0.9.0", "criteria": criteria, "brings": [listed("a")]}
    delta = {"from_": "1.0.0", "criteria": ["changelog"]}
    files = notes(("b", "0.9.0", {}), ("b", "1.0.0", start), ("a", "1.0.1", delta))
    judge = vetting(files, committed=files, locked=locked)
    assert answer(judge, subject(version="1.0.1")) is expected


def test_a_carried_package_is_as_direct_as_its_carrier() -> None:
    inner = Artifact(name="inner", version="9.9.9", kind=Kind.REGISTRY, bundled=True)
    for direct, expected in ((True, GapReason.DIRECT), (False, GapReason.BUNDLED)):
        what = VettingRequest(inner, direct, development=False, carrier=artifact())
        assert answer(vetting(BROUGHT, form=2), what) is expected


# Where the policy requires nothing.

FREE = '[policy]\nupgrade = { minor = ["changelog"], patch = [] }\ncooldown-days = 0\n'


@pytest.mark.parametrize(
    ("config", "version", "scripts", "expected"),
    [
        (FREE, "1.0.1", None, Status.ACCEPTED),
        (FREE, "1.1.0", None, GapReason.NOTE),
        (FREE, "1.0.1", True, GapReason.NOTE),
        (FREE + "scripts = []\n", "1.0.1", True, Status.ACCEPTED),
        (FREE.replace("days = 0", "days = 7"), "1.0.1", None, GapReason.NOTE),
        (FREE + "[policy.development]\ncooldown-days = 7\n", "1.0.1", None, Status.ACCEPTED),
    ],
)
def test_a_step_that_the_policy_requires_nothing_for(
    config: str, version: str, scripts: bool | None, expected: Status | GapReason
) -> None:
    what = subject(version=version, previous=("1.0.0",))
    what = what._replace(artifact=what.artifact._replace(scripts=scripts))
    assert answer(vetting({}, config), what) is expected


# Deltas over several notes.


def test_any_start_of_a_version_s_notes_may_lead_to_a_review() -> None:
    starts = {
        f"{NOTES}a/1.1.0{mark}.toml": note_text("a", "1.1.0", from_=start, criteria=["changelog"])
        for mark, start in (("", "0.8.0"), (".2", "1.0.0"), (".3", "0.9.0"))
    }
    delta = notes(("a", "1.2.0", {"from_": "1.1.0", "criteria": ["changelog"]}))
    assert answer(vetting({**starts, **delta, **OWN}), subject(version="1.2.0")) is Status.VETTED
    assert answer(vetting({**starts, **delta}), subject(version="1.2.0")) is GapReason.CHAIN


def test_a_listed_version_may_itself_be_a_delta() -> None:
    group = note_text(None, accepts=[listed("a", "1.1.0", from_="1.0.0")], criteria=["changelog"])
    delta = notes(("a", "1.2.0", {"from_": "1.1.0", "criteria": ["changelog"]}))
    assert (
        answer(vetting({GROUP: group, **delta, **OWN}), subject(version="1.2.0")) is Status.VETTED
    )
    assert answer(vetting({GROUP: group, **delta}), subject(version="1.2.0")) is GapReason.CHAIN


def test_lists_in_a_circle_lead_to_no_review() -> None:
    circle = {
        f"{NOTES}_groups/2020-01-02-a-{mark}.toml": note_text(
            None, accepts=[listed("a", version, from_=since)], criteria=["changelog"]
        )
        for mark, version, since in (("abcd", "1.1.0", "1.0.0"), ("abce", "1.0.0", "1.1.0"))
    }
    assert answer(vetting(circle), subject(version="1.1.0")) is GapReason.CHAIN


def test_a_link_of_a_chain_needs_the_criteria_of_its_own_step() -> None:
    link = notes(("a", "2.0.0", {"from_": "1.0.0", "criteria": ["health"]}), ("a", "1.0.0", {}))
    last = notes(("a", "2.0.1", {"from_": "2.0.0", "criteria": []}))
    judge = vetting({**link, **last}, TABLE)
    assert answer(judge, subject(version="2.0.1")) is GapReason.CHAIN


@pytest.mark.parametrize(
    ("version", "since", "previous", "expected"),
    [
        ("1.0.1", "1.0.0", (), "patch"),
        ("1.0.1", None, (), "new"),
        ("1.0.1", None, ("1.0.0",), "patch"),
        ("1.9.1", None, ("1.0.0", "1.9.0"), "patch"),
        ("1.9.1", "1.0.0", ("1.9.0",), "minor"),
        ("2.0.0", None, ("1.9.0",), "major"),
        ("1.1.14", None, ("1.1.13", "5.0.5"), "patch"),
        ("2.1.0", None, ("1.1.13", "2.0.3", "5.0.5"), "minor"),
        ("0.9.0", None, ("1.1.13", "5.0.5"), "major"),
        (None, "1.0.0", (), "major"),
    ],
)
def test_how_a_version_comes_in(
    version: str | None, since: str | None, previous: tuple[str, ...], expected: str
) -> None:
    assert arrival_of(version, since, previous) == expected


# Lifecycle scripts.

READ = {"criteria": ["health", "scripts"]}


@pytest.mark.parametrize(
    ("files", "config", "exemptions", "expected"),
    [
        (notes(("a", "1.0.0", READ)), "", "", True),
        (OWN, "", "", False),
        (OWN, "[policy]\nscripts = []\n", "", True),
        (OWN, "[policy.development]\nscripts = []\n", "", False),
        (notes(("b", "1.0.0", {**READ, "brings": [listed("a")]})), "", "", True),
        (notes(("a", "1.0.0", {**READ, "integrity": sri("others")})), "", "", False),
        ({}, "", f"a@1.0.0 {sri('a@1.0.0')} - at adoption\n", False),
        ({}, "", "", False),
        ({}, '[policy]\ntransitive = "ignore"\n', "", False),
    ],
)
def test_whether_the_scripts_were_reviewed(
    files: Files, config: str, exemptions: str, expected: bool
) -> None:
    assert vetting(files, config, exemptions).scripts_reviewed(artifact()) is expected


def test_our_own_scripts_need_no_review() -> None:
    own = artifact("@acme/a", resolved="https://npm.acme.example/@acme/a/-/a-1.0.0.tgz")
    assert vetting({}, OURS).scripts_reviewed(own)
    assert not vetting({}).scripts_reviewed(own)


@pytest.mark.parametrize(
    ("files", "bundled", "scripts", "expected"),
    [
        (OWN, False, None, ()),
        (notes(("a", "1.0.0", {"scripts": ["install"]})), False, None, ("install",)),
        (notes(("b", "1.0.0", {"scripts": ["x"], "brings": [listed("a")]})), False, None, ()),
        (notes(("b", "1.0.0", {"brings": [listed("a", scripts=["install"])]})), False, None, ("install",)),
        (OWN, False, True, ()),
    ],
)  # fmt: skip
def test_the_scripts_that_a_note_records(
    files: Files, bundled: bool, scripts: bool | None, expected: tuple[str, ...]
) -> None:
    what = artifact(bundled=bundled, scripts=scripts)
    mention = vetting(files).decide(VettingRequest(what, direct=False, development=False)).mention
    assert mention is not None
    assert noted_scripts(what, mention) == expected
    assert has_scripts(what, mention) is bool(expected or scripts)
    assert has_scripts(what, None) is bool(scripts)


def test_the_scripts_of_a_carried_package_are_those_of_its_line() -> None:
    bundles = [
        {"package": "in@1.0.0", "scripts": ["install"]},
        {"package": "other@1.0.0", "scripts": ["x"]},
    ]
    mention = vetting(notes(("a", "1.0.0", {"bundles": bundles})), form=2).decide(subject()).mention
    assert mention is not None
    inner = Artifact(name="in", version="1.0.0", kind=Kind.REGISTRY, bundled=True)
    assert noted_scripts(inner, mention) == ("install",)
    assert noted_scripts(inner._replace(version="1.0.1"), mention) == ()


# Exemptions beside notes, and at other registries.

EXEMPT = f"a@1.0.0 {sri('a@1.0.0')} - at adoption\n"
CHECKSUM = VettingRequest(
    artifact(integrity=None, checksum="a" * 128), direct=True, development=False
)


def test_an_exemption_by_another_client_s_hash_covers_but_says_so() -> None:
    verdict = vetting({}, exemptions=EXEMPT).decide(CHECKSUM)
    assert (verdict.status, verdict.unbound) == (Status.EXEMPT, True)
    assert verdict.exemption is not None
    exact = vetting({}, exemptions=EXEMPT).decide(subject())
    assert (exact.status, exact.unbound, exact.exemption) == (
        Status.EXEMPT,
        False,
        verdict.exemption,
    )
    by_the_same = EXEMPT + f"a@1.0.0 checksum:{'a' * 128} - at adoption\n"
    verdict = vetting({}, exemptions=by_the_same).decide(CHECKSUM)
    assert (verdict.status, verdict.unbound) == (Status.EXEMPT, False)
    bound = notes(("a", "1.0.0", {"integrity": None, "checksum": "a" * 128}))
    assert vetting(bound, exemptions=EXEMPT).decide(CHECKSUM).status is Status.VETTED


@pytest.mark.parametrize(
    ("files", "what", "expected"),
    [
        (OWN, subject(), Status.VETTED),
        ({}, subject(), Status.EXEMPT),
        (notes(("a", "1.0.0", {"criteria": ["changelog"]})), subject(), Status.EXEMPT),
        (OWN, CHECKSUM, Status.EXEMPT),
    ],
)
def test_a_note_is_better_evidence_than_an_exemption(
    files: Files, what: VettingRequest, expected: Status
) -> None:
    exemptions = EXEMPT + f"a@1.0.0 checksum:{'a' * 128} - at adoption\n"
    assert vetting(files, exemptions=exemptions).best_evidence(what).status is expected


MIRROR = '[registries]\nallowed = ["https://npm.acme.example/"]\n'
AT_MIRROR = "https://npm.acme.example/a/-/a-1.0.0.tgz"


@pytest.mark.parametrize(
    ("config", "algorithm", "keys", "expected"),
    [
        (MIRROR, "sha512", {}, Status.EXEMPT),
        ("", "sha512", {}, GapReason.NOTE),
        (MIRROR, "sha1", {}, GapReason.NOTE),
        (MIRROR, "sha512", {"bundled": True}, GapReason.NOTE),
        (MIRROR, "sha512", {"kind": Kind.GIT}, GapReason.NOTE),
        (MIRROR, "sha512", {"integrity": sri("others")}, GapReason.NOTE),
        (MIRROR, "sha512", {"resolved": AT_MIRROR.replace("1.0.0", "1.0.1")}, GapReason.NOTE),
        (MIRROR, "sha512", {"resolved": AT_MIRROR.replace("/a/-/a", "/b/-/b")}, GapReason.NOTE),
    ],
)
def test_an_exempt_tarball_may_move_to_another_allowed_registry(
    config: str, algorithm: str, keys: dict[str, Any], expected: Status | GapReason
) -> None:
    hashed = sri("a@1.0.0", algorithm)
    locked = artifact(resolved=AT_MIRROR, integrity=hashed)._replace(**keys)
    judge = vetting({}, config, exemptions=f"a@1.0.0 {hashed} - at adoption\n")
    assert answer(judge, VettingRequest(locked, direct=True, development=False)) is expected


# Specifiers, where there is no lockfile.


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, Status.VETTED),
        ({"patch": "sha256-x"}, GapReason.BYTES),
        ({"resolved": "https://elsewhere.example/a-1.0.0.tgz"}, GapReason.BYTES),
    ],
)
def test_a_note_of_a_release_covers_an_exact_specifier(
    keys: dict[str, Any], expected: Status | GapReason
) -> None:
    asked = Artifact(name="a", version=None, kind=Kind.REGISTRY, specifier="1.0.0")
    judge = vetting(notes(("a", "1.0.0", keys)))
    assert answer(judge, VettingRequest(asked, direct=True, development=False)) is expected


def test_what_a_shrinkwrap_pins_is_evidence_of_these_bytes_only() -> None:
    pins = [{"package": "deep@1.0.0", "integrity": sri("deep@1.0.0")}]
    judge = vetting(notes(("a", "1.0.0", {"shrinkwrap": pins})), form=2)
    ((found,),) = judge.shrinkwraps(artifact())
    assert (found.name, found.version) == ("deep", "1.0.0")
    assert list(judge.shrinkwraps(artifact(integrity=sri("others")))) == []
    assert list(vetting(OWN, form=2).shrinkwraps(artifact())) == []


# Kinds of exemptions and notes.


@pytest.mark.parametrize(
    ("line", "what", "expected"),
    [
        (f"a@- source:{GIT}", Artifact("a", None, Kind.GIT, resolved=GIT), Status.EXEMPT),
        (f"a@- source:{GIT[:-1]}2", Artifact("a", None, Kind.GIT, resolved=GIT), GapReason.NOTE),
        (EXEMPT[:-15], Artifact("a", None, Kind.REGISTRY, specifier="1.0.0"), Status.EXEMPT),
        (EXEMPT[:-15], Artifact("a", None, Kind.REGISTRY, specifier="1.0.1"), GapReason.NOTE),
        (f"{EXEMPT[:-15]};source:{AT_MIRROR}", artifact(), Status.EXEMPT),
        (f"{EXEMPT[:-15]};source:{AT_MIRROR.replace('https', 'http')}", artifact(), GapReason.NOTE),
    ],
)
def test_the_kinds_of_exemptions(line: str, what: Artifact, expected: Status | GapReason) -> None:
    judge = vetting({}, exemptions=f"{line} - at adoption\n")
    assert answer(judge, VettingRequest(what, direct=True, development=False)) is expected


@pytest.mark.parametrize(("form", "expected"), [(2, Status.ROUTINE), (1, Status.ACCEPTED)])
def test_a_routine_note_counts_from_format_2_on(form: int, expected: Status) -> None:
    files = {**OWN, ".vetting/routine/a/1.0.1.toml": routine_text("a", "1.0.1", "1.0.0")}
    judge = vetting(files, FREE, form=form)
    assert answer(judge, subject(version="1.0.1", previous=("1.0.0",))) is expected


def test_the_cooldown_is_of_the_step_from_the_version_that_a_note_names() -> None:
    days = "cooldown-days = { major = 14, minor = 7, patch = 3, new = 21 }"
    judge = vetting({}, f"[policy]\n{days}\n", form=2)
    what = subject(version="1.9.1", previous=("1.0.0",))
    assert (judge.cooldown_days(what, "1.9.0"), judge.cooldown_days(what, None)) == (3, 7)
    assert judge.cooldown_days(subject(), None) == 21


def test_the_verdict_on_a_carried_package_has_the_note_of_its_carrier() -> None:
    inner = Artifact("inner", "9.9.9", Kind.REGISTRY, bundled=True)
    what = VettingRequest(
        inner, direct=False, development=False, carrier=artifact(), carried_at="node_modules/inner"
    )
    for keys, status in (({"bundles": [INNER]}, Status.ACCEPTED), ({}, Status.UNVETTED)):
        verdict = vetting(notes(("a", "1.0.0", keys)), form=2).decide(what)
        assert verdict.status is status
        assert verdict.mention is not None
        assert verdict.mention.note.path == A_NOTE
        assert verdict.gap is None or noted_in(verdict.gap) == A_NOTE


# What earlier versions of a tarball carried.

OTHER_INNER = {"package": "other@1.0.0"}


def routine(version: str, since: str, *bundles: dict[str, str]) -> dict[str, str]:
    text = routine_text("a", version, since, bundles=list(bundles))
    return {f".vetting/routine/a/{version}.toml": text}


@pytest.mark.parametrize(
    ("files", "since", "expected"),
    [
        pytest.param({}, None, False, id="from nothing"),
        pytest.param({}, "1.0.0", False, id="from a version without a note"),
        pytest.param(notes(("a", "1.0.0", {"bundles": [INNER]})), "1.0.0", True, id="the same"),
        pytest.param(notes(("a", "1.0.0", {})), "1.0.0", False, id="none"),
        pytest.param(
            notes(("a", "1.0.0", {"bundles": [INNER, OTHER_INNER]})), "1.0.0", False, id="one more"
        ),
        pytest.param(notes(("b", "1.0.0", {"bundles": [INNER]})), "1.0.0", False, id="of another"),
        pytest.param(
            {**notes(("a", "1.0.0", {"bundles": [INNER]})), **routine("1.1.0", "1.0.0", INNER)},
            "1.1.0", True, id="through a routine step",
        ),
        pytest.param(
            {**notes(("a", "1.0.0", {"bundles": [INNER]})), **routine("1.1.0", "1.0.0")},
            "1.1.0", False, id="a routine step without",
        ),
        pytest.param(
            {**notes(("a", "1.0.0", {"bundles": [OTHER_INNER]})), **routine("1.1.0", "1.0.0", INNER)},
            "1.1.0", False, id="others before the routine step",
        ),
        pytest.param(
            {**routine("1.1.0", "1.2.0", INNER), **routine("1.2.0", "1.1.0", INNER)}, "1.1.0", False,
            id="routine steps in a circle",
        ),
        pytest.param(
            notes(("x", "1.0.0", {"brings": [listed("a", bundles=[INNER])]})), "1.0.0", True,
            id="in the list of another note",
        ),
    ],
)  # fmt: skip
def test_whether_words_said_that_an_earlier_version_carried_the_same(
    files: Files, since: str | None, expected: bool
) -> None:
    bundles = next(
        iter(vetting(notes(("a", "1.0.0", {"bundles": [INNER]})), form=2).notes.of("a", "1.0.0"))
    ).bundles
    assert vetting(files, form=2).bundles_as_before("a", since, bundles) is expected


CARRIED = VettingRequest(
    Artifact("inner", "9.9.9", Kind.REGISTRY, bundled=True), direct=False, development=False,
    carrier=artifact(version="1.0.1"), carried_at="node_modules/inner",
)  # fmt: skip


@pytest.mark.parametrize(
    ("before", "expected"), [(INNER, Status.ACCEPTED), (OTHER_INNER, GapReason.BUNDLED)]
)
def test_a_routine_note_counts_where_the_tarball_carries_what_it_carried(
    before: dict[str, str], expected: Status | GapReason
) -> None:
    old = notes(("a", "1.0.0", {"bundles": [before]}))
    judge = vetting(
        {**old, **routine("1.0.1", "1.0.0", INNER)}, FREE, form=2, locked=("a", "inner")
    )
    assert answer(judge, CARRIED) is expected


def test_a_carried_package_whose_name_is_new_lacks_the_criteria_of_new() -> None:
    files = notes(
        ("a", "1.0.0", {}),
        ("a", "1.0.1", {"bundles": [INNER], "criteria": ["changelog"], "from_": "1.0.0"}),
    )
    gap = vetting(files, form=2, committed=files, locked=("a",)).decide(CARRIED).gap
    assert gap is not None
    assert (gap.lack, gap.criteria) == (GapReason.BUNDLED, ("health",))
    known = vetting(files, form=2, committed=files, locked=("a", "inner")).decide(CARRIED)
    assert known.status is Status.ACCEPTED


def test_of_several_notes_of_a_tarball_one_may_list_what_it_carries() -> None:
    group = note_text(
        None, None, accepts=[{**listed("a"), "bundles": [INNER]}], criteria=["health"]
    )
    files = {**notes(("a", "1.0.0", {})), GROUP: group}
    what = CARRIED._replace(carrier=artifact())
    assert answer(vetting(files, form=2), what) is Status.ACCEPTED


def test_an_exemption_of_another_version_covers_nothing() -> None:
    line = f"a@1.0.1 {sri('a@1.0.0')} - at adoption\n"
    assert answer(vetting({}, exemptions=line), subject()) is GapReason.NOTE


def test_a_chain_may_start_at_any_of_several_versions() -> None:
    files = {
        **notes(
            ("a", "1.0.0", {}),
            ("a", "1.2.0", {"from_": "1.1.0", "criteria": ["changelog"]}),
            ("a", "1.1.0", {"from_": "1.0.0", "criteria": ["changelog"]}),
        ),
        GROUP: note_text(
            None, None, accepts=[listed("a", "1.2.0", from_="0.5.0")], criteria=["changelog"]
        ),
    }
    assert answer(vetting(files), subject(version="1.2.0")) is Status.VETTED


@pytest.mark.parametrize(
    ("committed", "new"),
    [(routine("1.0.1", "1.0.0"), True), (notes(("a", "1.0.0", {})), False), ({}, True)],
)
def test_a_routine_note_makes_no_name_known(committed: Files, new: bool) -> None:
    judge = vetting(committed, "[policy]\nnew = []\n", form=2, committed=committed)
    assert judge.is_new_name(subject()) is new


# Several notes of one version.


def test_a_note_of_the_same_hash_wins_over_one_of_another_kind_of_hash() -> None:
    by_checksum = note_text("a", integrity=None, checksum="10c0/" + "a" * 128)
    judge = vetting({f"{NOTES}a/1.0.0.2.toml": by_checksum, **OWN})
    first = next(iter(judge.notes.mentioning(artifact())))
    assert first.pinned.integrity is None, "the note that cannot be compared comes first"
    verdict = judge.decide(subject())
    assert (verdict.status, verdict.unbound) == (Status.VETTED, False)
    assert verdict.mention is not None
    assert verdict.mention.note.path == A_NOTE


def test_format_1_passes_over_a_routine_note_and_reads_the_others() -> None:
    files = {
        ".vetting/routine/a/1.0.0.toml": routine_text("a", "1.0.0", "0.9.0"),
        GROUP: note_text(None, accepts=[listed("a")]),
    }
    assert answer(vetting(files, form=1), subject()) is Status.ACCEPTED


def test_an_unvetted_artifact_has_the_note_that_comes_nearest() -> None:
    verdict = vetting(OWN).decide(
        VettingRequest(artifact(integrity=sri("others")), direct=True, development=False)
    )
    assert verdict.mention is not None
    assert verdict.gap is not None
    assert verdict.mention == verdict.gap.mention


def test_a_shrinkwrap_counts_also_in_the_list_of_another_note() -> None:
    pins = [{"package": "deep@1.0.0", "integrity": sri("deep@1.0.0")}]
    judge = vetting(notes(("b", "1.0.0", {"brings": [listed("a", shrinkwrap=pins)]})), form=2)
    assert [[each.name for each in found] for found in judge.shrinkwraps(artifact())] == [["deep"]]


def test_no_chain_starts_at_another_version_that_is_exempt() -> None:
    delta = notes(("a", "1.2.0", {"from_": "1.1.0", "criteria": ["changelog"]}))
    for version, expected in (("1.1.0", Status.VETTED), ("1.0.0", GapReason.CHAIN)):
        line = f"a@{version} {sri(f'a@{version}')} - at adoption\n"
        assert answer(vetting(delta, exemptions=line), subject(version="1.2.0")) is expected


@pytest.mark.parametrize(("form", "expected"), [(2, Status.VETTED), (1, GapReason.CHAIN)])
def test_a_routine_note_is_a_link_of_a_chain_from_format_2_on(
    form: int, expected: Status | GapReason
) -> None:
    files = {
        **OWN,
        ".vetting/routine/a/1.0.1.toml": routine_text("a", "1.0.1", "1.0.0"),
        **notes(("a", "1.0.2", {"from_": "1.0.1", "criteria": ["changelog"]})),
    }
    assert answer(vetting(files, FREE, form=form), subject(version="1.0.2")) is expected
