"""What the audit says of a history that is known: who brought what, who vetted it, what expired."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.auditing.audited import ADA, BOB, BOT, Shop, as_person, audit, clone, make
from tests.commands.test_init import adopt, npm_project, vetted
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import entry, run, write_project


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return make(GitRepo(tmp_path_factory.mktemp("audited") / "repo"))


@pytest.fixture(scope="module")
def report(shop: Shop) -> dict[str, Any]:
    return audit(shop.repo, "--since", "2026-02-01")


def packages(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["package"]: each for each in report["artifacts"]}


def subject_of(brought: dict[str, Any] | None) -> str | None:
    return brought["subject"] if brought else None


def test_the_best_evidence_counts(report: dict[str, Any]) -> None:
    found = packages(report)
    assert {name: each["status"] for name, each in found.items()} == {
        "old": "vetted", "second": "vetted", "squashed": "vetted", "same": "vetted", "new": "unvetted",
    }  # fmt: skip
    assert [name for name, each in found.items() if each["also-exempt"]] == ["old"]


@pytest.mark.parametrize(
    ("name", "entered", "by", "same", "squashed"),
    [
        ("old", "Start", ADA, True, False),
        ("second", "Merge the bump (#7)", BOT, False, False),
        ("squashed", "Add squashed (#8)", ADA, True, True),
        ("same", "Add same", BOB, True, False),
        ("new", "Add new without a note", ADA, None, False),
    ],
)
def test_who_brought_a_package(
    report: dict[str, Any], name: str, entered: str, by: str, same: bool | None, squashed: bool
) -> None:
    each = packages(report)[name]
    author = (each["entered"]["authored"] or each["entered"])["author"]
    assert (subject_of(each["entered"]), author) == (entered, by)
    assert (each["same-person"], each["squashed"]) == (same, squashed)


def test_notes_and_the_commits_that_brought_them(shop: Shop, report: dict[str, Any]) -> None:
    notes = {each["label"]: each for each in report["notes"]}
    assert {label: subject_of(each["brought"]) for label, each in notes.items()} == {
        "old@1.0.0": "Vet old, drop gone", "second@1.0.0": "Vet second",
        "squashed@1.0.0": "Add squashed (#8)", "same@1.0.0": "Vet same", "unused@1.0.0": "Vet same",
    }  # fmt: skip
    merge = shop.repo.git("rev-parse", "--verify", ":/^Merge the bump")
    assert notes["second@1.0.0"]["brought"]["landed"] == merge
    assert [label for label, each in notes.items() if not each["used"]] == ["unused@1.0.0"]


def test_exemptions_and_notes_over_time(report: dict[str, Any]) -> None:
    rows = [(each["exempt"], each["notes"]) for each in report["exemptions"]["history"]]
    assert rows == [(2, 0), (2, 1), (2, 2), (2, 4), (1, 5)]
    assert report["exemptions"]["now"] == 1


def test_the_history_of_the_policy(report: dict[str, Any]) -> None:
    rows = [(each["subject"], each["adopts"], each["loosens"], each["tightens"])
            for each in report["policy"]["history"]]  # fmt: skip
    assert rows == [
        ("Adopt npm-vetted", True, ["2 packages are exempt"], []),
        ("Vet old, drop gone", False, [], ["1 package is no longer exempt"]),
    ]


def test_what_moved_since_a_day(report: dict[str, Any]) -> None:
    changes = report["changes"]
    assert [each["package"] for each in changes["entered"]] == [
        "new@1.0.0",
        "same@1.0.0",
        "squashed@1.0.0",
    ]
    assert [each["package"] for each in changes["left"]] == ["gone@1.0.0"]
    assert changes["notes"] == {"added": 4, "removed": 0}
    assert changes["exemptions"] == {"added": 0, "removed": 1}


def test_what_is_excluded_today_is_no_part_of_what_moved(git_repo: GitRepo) -> None:
    write_project(git_repo, {"a": entry("a")})
    git_repo.write("fixtures/package.json", '{"name": "x", "dependencies": {"b": "1.0.0"}}')
    git_repo.write("fixtures/package-lock.json", "{")
    git_repo.commit("A broken fixture")
    git_repo.write(
        ".vetting/config.toml",
        'format = 2\n[[exclude]]\npath = "fixtures/**"\nreason = "a fixture"\n',
    )
    git_repo.commit("Adopt npm-vetted, and exclude the fixture")
    write_project(git_repo, {"a": entry("a"), "b": entry("b")})
    git_repo.commit("Add b")
    done = run(git_repo.path, "audit", "--since", "HEAD~2", "--format", "json")
    assert done.status == 0, done.err
    changes = done.json["changes"]
    assert [each["package"] for each in changes["entered"]] == ["b@1.0.0"]
    assert changes["left"] == []


def test_ends_count_from_the_commit(shop: Shop, report: dict[str, Any]) -> None:
    assert [(each["kind"], each["state"]) for each in report["exceptions"]] == [
        ("ignore", "expired"),
        ("cooldown-exempt", "unused"),
    ]
    early = audit(shop.repo, "--at", shop.repo.git("rev-parse", ":/^Adopt"))
    assert [each["state"] for each in early["exceptions"]] == ["unused", "unused"]
    assert early["repository"]["date"] == "2026-01-02T12:00:00Z"


@pytest.mark.parametrize("name", ["json", "html", "markdown", "cyclonedx", "text"])
def test_the_same_revision_gives_the_same_bytes(shop: Shop, tmp_path: Path, name: str) -> None:
    at = shop.repo.git("rev-parse", "HEAD")
    first = vetted(shop.repo, "audit", "--format", name, "--at", at)
    other = clone(shop.repo, tmp_path / "clone")
    other.git("commit", "-q", "--allow-empty", "-m", "Later")
    other.write(".mailmap", "Nobody <nobody@example.com> <ada@example.com>\n")
    second = vetted(other, "audit", "--format", name, "--at", at)
    assert (first.returncode, first.stdout) == (second.returncode, second.stdout)


def test_the_revision_s_own_mailmap(git_repo: GitRepo) -> None:
    shop = Shop(git_repo)
    with as_person("bot <bot@example.com>", "2026-01-01"):
        git_repo.write(".npmrc", "ignore-scripts=true\n")
        git_repo.write(".mailmap", f"{ADA} <bot@example.com>\n")
        shop.lock("a@1.0.0")
        git_repo.commit("Add a")
    with as_person(ADA, "2026-01-02"):
        shop.note("a@1.0.0")
        git_repo.commit("Vet a")
    [each] = audit(git_repo)["artifacts"]
    assert (each["entered"]["author"], each["same-person"]) == (ADA, True)


REQUIRED: list[tuple[str, int]] = [
    ("vetted", 1), ("signed", 1), ("second-person", 1), ("unexpired", 1), ("fresh=5", 1), ("fresh=180", 0),
    ("fresh=180,vetted", 1), ("vetted,unknown", 2), ("fresh", 2), ("vetted=5", 2), ("covered", 1),
]  # fmt: skip


@pytest.mark.parametrize(("words", "status"), REQUIRED)
def test_each_requirement_is_a_gate(shop: Shop, words: str, status: int) -> None:
    assert vetted(shop.repo, "audit", "--require", words).returncode == status


def test_what_fails_a_requirement_is_named(shop: Shop) -> None:
    found = audit(shop.repo, "--require", "second-person,second-person=strict", status=1)
    plain, strict = (each["failures"] for each in found["requirements"])
    assert [each.split()[0] for each in plain] == ["old@1.0.0", "same@1.0.0"]
    assert [each.split()[0] for each in strict] == ["old@1.0.0", "squashed@1.0.0", "same@1.0.0"]


def test_a_shallow_clone_is_undecided_and_names_no_commit(shop: Shop, tmp_path: Path) -> None:
    shallow = clone(shop.repo, tmp_path / "clone", "--depth", "1")
    done = vetted(shallow, "audit", "--format", "json")
    assert done.returncode == 3
    assert "shallow" in done.stderr
    found = json.loads(done.stdout)
    assert [each["entered"] for each in found["artifacts"]] == [None] * 5
    assert [each["brought"] for each in found["notes"]] == [None] * 5
    assert found["policy"]["history"] == []
    assert vetted(shallow, "audit", "old").returncode == 3
    assert vetted(shallow, "audit", "--contains", "old").returncode == 3
    assert vetted(shallow, "audit", "--since", "HEAD").returncode == 3
    assert vetted(shallow, "audit", "--no-history", "--require", "unexpired").returncode == 1
    assert vetted(shallow, "audit", "--require", "signed").returncode == 3


def test_a_report_is_written_to_a_file_whole(shop: Shop, tmp_path: Path) -> None:
    place = tmp_path / "report.json"
    done = vetted(shop.repo, "audit", "--format", "json", "-o", str(place))
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads(place.read_text())["version"] == 2
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]
    assert vetted(shop.repo, "audit", "-o", str(tmp_path / "none" / "x")).returncode == 2


@pytest.mark.parametrize(
    ("label", "status", "brings"),
    [
        ("gone@1.0.0", 0, [("Start", True), ("Vet old, drop gone", False)]),
        ("old@1.0.0", 1, [("Start", True)]),
        ("second", 1, [("Bump second", True)]),
        ("old@2.0.0", 0, []),
    ],
)
def test_whether_a_version_was_ever_locked(
    shop: Shop, label: str, status: int, brings: list[tuple[str, bool]]
) -> None:
    done = vetted(shop.repo, "audit", "--contains", label, "--format", "json")
    assert done.returncode == status
    [found] = json.loads(done.stdout)["contains"]
    assert [(each["subject"], each["brings"]) for each in reversed(found["commits"])] == brings


def test_a_version_that_only_a_branch_locks(git_repo: GitRepo) -> None:
    shop = Shop(git_repo)
    shop.lock("a@1.0.0")
    git_repo.commit("Start")
    git_repo.git("checkout", "-q", "-b", "feature")
    shop.lock("bad@6.6.6")
    git_repo.commit("Add bad")
    git_repo.git("checkout", "-q", "main")
    here = vetted(git_repo, "audit", "--contains", "bad@6.6.6")
    said = "bad@6.6.6: not locked now, and never was in HEAD's history\n"
    assert (here.returncode, here.stdout) == (0, said)
    done = vetted(git_repo, "audit", "--contains", "bad@6.6.6", "--all-branches")
    assert done.returncode == 1
    assert "bad@6.6.6: locked on feature in package-lock.json" in done.stdout


def a_key(folder: Path) -> tuple[Path, Path]:
    """An SSH key, and a file that allows Ada to sign with it."""
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    signers = folder / "signers"
    signers.write_text(f"ada@example.com {key.with_suffix('.pub').read_text()}")
    return key, signers


def test_signatures_by_the_commit_s_own_header(git_repo: GitRepo, tmp_path: Path) -> None:
    key, signers = a_key(tmp_path)
    git_repo.git("config", "gpg.format", "ssh")
    git_repo.git("config", "user.signingkey", str(key))
    shop = Shop(git_repo)
    shop.lock("a@1.0.0")
    git_repo.commit("Start")
    shop.note("a@1.0.0")
    git_repo.add()
    git_repo.git("commit", "-q", "-S", "-m", "Vet a")

    def signature() -> str:
        found: str = audit(git_repo)["notes"][0]["brought"]["signature"]
        return found

    assert signature() == "present, not checked"
    assert vetted(git_repo, "audit", "--require", "signed").returncode == 1
    git_repo.git("config", "gpg.ssh.allowedSignersFile", str(signers))
    assert signature() == "good"
    assert vetted(git_repo, "audit", "--require", "signed").returncode == 0
    forge(git_repo, "Vet a", "Vet b")
    assert signature() == "bad"


@pytest.fixture
def openpgp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The fingerprint of a new OpenPGP key of Ada's, in a key ring of its own."""
    home = tmp_path / "ring"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    quick = ("--batch", "--passphrase", "", "--quick-generate-key", ADA, "ed25519", "sign", "never")
    gpg(*quick)
    rows = gpg("--list-secret-keys", "--with-colons").splitlines()
    yield next(row.split(":")[9] for row in rows if row.startswith("fpr:"))
    subprocess.run(["gpgconf", "--kill", "all"], check=True)


def gpg(*arguments: str) -> str:
    """Run GnuPG; what it prints."""
    done = subprocess.run(["gpg", *arguments], check=True, capture_output=True, text=True)
    return done.stdout


def forge(repo: GitRepo, old: str, new: str) -> None:
    """Make HEAD a commit that carries the signature of another text."""
    raw = repo.git("cat-file", "commit", "HEAD").replace(old, new) + "\n"
    path = repo.write(".git/forged", raw)
    oid = repo.git("hash-object", "-t", "commit", "-w", str(path))
    repo.git("reset", "-q", "--soft", oid)


def test_openpgp_signatures(
    git_repo: GitRepo, openpgp: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Good by a key of the ring; bad where the text differs; a key that is not there proves nothing."""
    git_repo.git("config", "user.signingkey", openpgp)
    shop = Shop(git_repo)
    shop.lock("a@1.0.0", "b@1.0.0")
    git_repo.commit("Start")
    shop.note("b@1.0.0")
    git_repo.commit("Vet b")
    shop.note("a@1.0.0")
    git_repo.add()
    git_repo.git("commit", "-q", "-S", "-m", "Vet a")
    signed = git_repo.git("rev-parse", "HEAD")

    def signatures() -> dict[str, str]:
        return {
            each["path"].split("/")[2]: each["brought"]["signature"]
            for each in audit(git_repo)["notes"]
        }

    assert signatures() == {"a": "good", "b": "none"}
    forge(git_repo, "Vet a", "Vet c")
    assert signatures()["a"] == "bad"
    git_repo.git("reset", "-q", "--soft", signed)
    empty = tmp_path / "nobody"
    empty.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(empty))
    assert signatures()["a"] == "present, not checked"


@pytest.fixture
def certificate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with Ada's certificate and key, which gpgsm's own folder trusts.

    Its path is short: gpg-agent's socket lies in it, whose path has at most 107 bytes.
    """
    home = Path(tempfile.mkdtemp(prefix="gpg-"))
    monkeypatch.setenv("GNUPGHOME", str(home))
    openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj",
        "/CN=Ada/emailAddress=ada@example.com", "-addext", "subjectAltName=email:ada@example.com",
        "-addext", "keyUsage=critical,digitalSignature,keyCertSign",
        "-keyout", str(home / "key.pem"), "-out", str(home / "certificate.pem"),
    )  # fmt: skip
    found = openssl("x509", "-in", str(home / "certificate.pem"), "-noout", "-fingerprint", "-sha1")
    (home / "trustlist.txt").write_text(f"{found.partition('=')[2].strip()} S relax\n")
    (home / "gpgsm.conf").write_text("disable-crl-checks\n")
    yield home
    subprocess.run(["gpgconf", "--kill", "all"], check=True)
    shutil.rmtree(home)


def openssl(*arguments: str) -> str:
    """Run OpenSSL; what it prints."""
    done = subprocess.run(["openssl", *arguments], check=True, capture_output=True, text=True)
    return done.stdout


def sign_with(certificate: Path, repo: GitRepo) -> None:
    """Sign HEAD as ``git commit -S`` does with ``gpg.format = x509``: a detached CMS in the header."""
    text = certificate / "commit"
    signature = certificate / "signature"
    text.write_text(repo.git("cat-file", "commit", "HEAD") + "\n")
    openssl(
        "cms", "-sign", "-binary", "-outform", "DER", "-md", "sha256", "-nosmimecap",
        "-signer", str(certificate / "certificate.pem"), "-inkey", str(certificate / "key.pem"),
        "-in", str(text), "-out", str(signature),
    )  # fmt: skip
    rows = base64.encodebytes(signature.read_bytes()).decode().split()
    header = ["-----BEGIN SIGNED MESSAGE-----", *rows, "-----END SIGNED MESSAGE-----"]
    forge(repo, "\n\nVet a", "\ngpgsig " + "\n ".join(header) + "\n\nVet a")


def test_x509_signatures(git_repo: GitRepo, certificate: Path) -> None:
    """Good by a trusted certificate; bad where the text differs; one that nobody trusts proves nothing."""
    shop = Shop(git_repo)
    shop.lock("a@1.0.0")
    git_repo.commit("Start")
    shop.note("a@1.0.0")
    git_repo.commit("Vet a")
    sign_with(certificate, git_repo)
    signed = git_repo.git("rev-parse", "HEAD")

    def signature() -> str:
        found: str = audit(git_repo)["notes"][0]["brought"]["signature"]
        return found

    assert signature() == "good"
    forge(git_repo, "Vet a", "Vet c")
    assert signature() == "bad"
    git_repo.git("reset", "-q", "--soft", signed)
    (certificate / "trustlist.txt").write_text("")
    subprocess.run(["gpgconf", "--kill", "all"], check=True)
    assert signature() == "present, not checked"


def test_the_revision_s_own_signers(git_repo: GitRepo, tmp_path: Path) -> None:
    """A file of the repository is read as the audited commit has it, not as the working tree does."""
    key, signers = a_key(tmp_path)
    git_repo.git("config", "gpg.format", "ssh")
    git_repo.git("config", "user.signingkey", str(key))
    git_repo.git("config", "gpg.ssh.allowedSignersFile", "allowed_signers")
    shop = Shop(git_repo)
    shop.lock("a@1.0.0")
    shop.note("a@1.0.0")
    git_repo.write("allowed_signers", signers.read_bytes())
    git_repo.add()
    git_repo.git("commit", "-q", "-S", "-m", "Vet a")
    at = git_repo.git("rev-parse", "HEAD")
    git_repo.write("allowed_signers", "")
    git_repo.commit("Allow nobody")
    found = [audit(git_repo, "--at", each) for each in (at, "HEAD")]
    assert [each["notes"][0]["brought"]["signature"] for each in found] == [
        "good",
        "present, not checked",
    ]
    assert found[0]["repository"]["signers"] == "allowed_signers"


def test_an_exemption_covers_and_is_no_vetting(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    git_repo.commit("A shop")
    adopt(git_repo)
    statuses = [
        vetted(git_repo, "audit", "--require", each).returncode for each in ("covered", "vetted")
    ]
    assert statuses == [0, 1]


@pytest.mark.parametrize(
    "arguments",
    [
        ("old", "--format", "html"),
        ("old", "--require", "vetted"),
        ("old", "--since", "HEAD"),
        ("--all-branches",),
        ("--since", "2026-13-01"),
        ("--at", "nowhere"),
        ("--no-history", "--require", "signed"),
        ("--format", "json-v1", "--since", "HEAD"),
    ],
)
def test_what_makes_no_sense_is_refused(shop: Shop, arguments: tuple[str, ...]) -> None:
    done = vetted(shop.repo, "audit", *arguments)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_repository_without_a_commit(git_repo: GitRepo) -> None:
    shop = Shop(git_repo)
    shop.lock("a@1.0.0")
    git_repo.add()
    found = audit(git_repo)
    assert (found["repository"]["commit"], found["repository"]["staged"]) == (None, True)
    assert [each["entered"] for each in found["artifacts"]] == [None]


def test_verbose_lists_what_is_counted(shop: Shop) -> None:
    text = " ".join(vetted(shop.repo, "audit", "-v", "--since", "2026-02-01").stdout.split())
    assert "expired: ignore cooldown package-lock.json, until 2026-02-01: a reason" in text
    assert "unused .vetting/notes/unused/1.0.0.toml" in text
    assert "left: gone@1.0.0" in text
    quiet = vetted(shop.repo, "audit", "-q").stdout.splitlines()
    assert [line.split()[0] for line in quiet if not line.startswith(" ")] == ["attention"]


def test_the_policy_s_history_says_what_each_change_allows(git_repo: GitRepo) -> None:
    """The trunk's view: a merge counts as one change, by what it brings to its first parent."""
    npm_project(git_repo)
    git_repo.commit("A shop")
    adopt(git_repo)
    path = ".vetting/config.toml"
    before = (git_repo.path / path).read_text()
    with as_person(BOB, "2026-04-01"):
        git_repo.git("checkout", "-q", "-b", "loosen")
        git_repo.write(path, before + '\n[[deny]]\npackage = "evil"\nreason = "bad"\n')
        git_repo.commit("Deny evil")
        git_repo.write(
            path, before + '\n[[exclude]]\npath = "templates/**"\nreason = "filled in"\n'
        )
        git_repo.commit("Exclude templates")
        git_repo.git("checkout", "-q", "main")
        git_repo.git("merge", "-q", "--no-ff", "-m", "Merge it", "loosen")
        git_repo.write(path, "polcy = 1\n")
        git_repo.commit("Break it")
        git_repo.write(path, before)
        git_repo.commit("Undo it")
    rows = {each["subject"]: each for each in audit(git_repo)["policy"]["history"]}
    assert list(rows) == ["Adopt npm-vetted", "Merge it", "Break it", "Undo it"]
    assert rows["Merge it"]["loosens"] == ["templates/** is no longer checked"]
    assert rows["Merge it"]["tightens"] == []
    assert rows["Merge it"]["author"] == BOB
    assert rows["Break it"]["loosens"][0].startswith("cannot be read: ")


def test_what_tightens_the_policy_is_what_its_reverse_would_loosen(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    git_repo.commit("A shop")
    adopt(git_repo)
    path = git_repo.path / ".vetting/config.toml"
    path.write_text(path.read_text() + '\n[[deny]]\npackage = "evil"\nreason = "bad"\n')
    git_repo.commit("Deny evil")
    last = audit(git_repo)["policy"]["history"][-1]
    assert (last["loosens"], last["tightens"]) == (
        [], ["rules out: evil (any version) is no longer denied"],
    )  # fmt: skip


def test_what_one_branch_adds_and_another_drops(git_repo: GitRepo) -> None:
    """A package that a branch removed and the trunk kept entered once, with its first commit."""
    shop = Shop(git_repo)
    shop.lock("a@1.0.0", "b@1.0.0")
    git_repo.commit("Start")
    shop.unlock("a")
    git_repo.commit("Drop a")
    shop.lock("a@1.0.0")
    git_repo.commit("Bring a back")
    by_name = packages(audit(git_repo))
    assert {name: subject_of(each["entered"]) for name, each in by_name.items()} == {
        "a": "Start", "b": "Start",
    }  # fmt: skip


def test_a_note_that_was_changed_later_names_that_commit(git_repo: GitRepo) -> None:
    shop = Shop(git_repo)
    shop.lock("a@1.0.0")
    shop.note("a@1.0.0")
    git_repo.commit("Vet a")
    with as_person(BOB, "2026-04-01"):
        shop.note("a@1.0.0", why="Rewritten by somebody else.")
        git_repo.commit("Reword the note")
    [note] = audit(git_repo)["notes"]
    assert (subject_of(note["brought"]), subject_of(note["changed"])) == (
        "Vet a",
        "Reword the note",
    )
    assert note["changed"]["author"] == BOB


def test_a_lockfile_that_moves_and_another_client_s_count_as_the_same(git_repo: GitRepo) -> None:
    shop = Shop(git_repo)
    shop.lock("a@1.0.0")
    git_repo.commit("Start")
    git_repo.write("web/package.json", (git_repo.path / "package.json").read_bytes())
    git_repo.write("web/package-lock.json", (git_repo.path / "package-lock.json").read_bytes())
    git_repo.git("rm", "-q", "package.json", "package-lock.json")
    git_repo.commit("Move")
    [each] = audit(git_repo)["artifacts"]
    assert (each["project"], subject_of(each["entered"])) == ("web", "Start")
