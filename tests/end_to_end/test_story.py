"""The main job as a user lives it: real git, real npm, the hooks of real pre-commit and prek."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git_repo import GitRepo
from tests.support.real_clients import Clients
from tests.support.story import (
    SCRIPTS,
    WHY,
    HookRepository,
    Story,
    fixes,
    framework_command,
    local_entry,
    users_path,
)

FIXTURE = Path(__file__).parents[1] / "fixtures" / "story" / "express"
EXPRESS_NOTE = ".vetting/notes/express/4.21.2.toml"

REJECTED = """\
package-lock.json:237: error: express@4.21.2: new, and no note or exemption covers it [unvetted]
    and 65 packages more: accepts@1.3.8, array-flatten@1.1.1, body-parser@1.20.3, and 62 more
    why: A project runs the code of every new package and of all that it brings.
    see: https://npm-vetted.github.io/npm-vetted/checks/unvetted/#new
    fix: {program} note "express@4.21.2" --criteria health

npm-vetted: 1 project, 66 packages, 0 notes checked: 66 errors
"""

LEFT_BEHIND = """\
package-lock.json:11: error: ms@2.1.3: new, and no note or exemption covers it; \
.vetting/notes/ms/2.1.3.toml is there, but not in what is committed [unvetted]
    why: A project runs the code of every new package and of all that it brings.
    see: https://npm-vetted.github.io/npm-vetted/checks/unvetted/#new
    fix: git add .vetting/notes/ms/2.1.3.toml
    fix: git commit -m "Vet ms@2.1.3" -- .vetting/notes/ms/2.1.3.toml

npm-vetted: 1 project, 1 package, 0 notes checked: 1 error
"""


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this session, the same for each of pytest-xdist's workers."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if base.name.startswith("popen-") else base) / "story"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def hooks(shared: Path) -> HookRepository:
    """npm-vetted as a hook repository, at this checkout's HEAD."""
    return HookRepository.of_head(shared)


@pytest.fixture(params=["pre-commit", "prek"])
def story(
    request: pytest.FixtureRequest,
    git_repo: GitRepo,
    hooks: HookRepository,
    shared: Path,
    clients: Clients,
) -> Story:
    """A repository with the hooks installed by a framework, which builds npm-vetted itself."""
    env = {
        "PATH": users_path(clients.bin("npm11")),
        "PRE_COMMIT_HOME": str(hooks.store / "pre-commit"),
        "PREK_HOME": str(hooks.store / "prek"),
        "npm_config_cache": str(shared / "npm-cache"),
    }
    story = Story(git_repo, request.param, hooks.entry(), env, clients)
    story.install()
    return story


@pytest.fixture
def quick(git_repo: GitRepo, clients: Clients) -> Story:
    """The same with the npm-vetted that the tests were installed with, run by prek."""
    env = {"PATH": users_path(clients.bin("npm11"))}
    story = Story(git_repo, "prek", local_entry(SCRIPTS / "npm-vetted"), env, clients)
    story.install()
    return story


def without_program(said: str) -> str:
    """What was said, with ``{program}`` for the path of the executable."""
    for command in fixes(said):
        program = command.split()[0]
        said = said.replace(program, "{program}") if Path(program).is_absolute() else said
    return said


def test_the_story_in_short(quick: Story) -> None:
    for file in FIXTURE.iterdir():
        quick.repo.write(file.name, file.read_bytes())
    quick.git("add", ".")
    said = quick.rejected("commit", "-m", "Add express")
    assert without_program(said) == REJECTED.replace(":237:", ":240:")
    # Offline nobody knows its age: the cooldown counts from today.
    (command,) = fixes(said)
    quick.shell(f"{command} --offline --waive-cooldown 'published in 2024' -m '{WHY}'")
    quick.accepted("commit", "-m", "Add express")
    quick.checks()
    quick.git("rm", "-q", EXPRESS_NOTE)
    assert "but the lockfile still contains" in quick.rejected("commit", "-m", "Drop the note")


OUR_POLICY = """\
# Ours.
format = 1

[[exclude]]
path = "templates/**"
reason = "filled in by the generator"
"""


def test_init_adopts_with_the_policy_that_is_written(quick: Story) -> None:
    for file in FIXTURE.iterdir():
        quick.repo.write(file.name, file.read_bytes())
        quick.repo.write(f"templates/{file.name}", b"{{ not JSON yet }}")
    quick.repo.write("Dockerfile", "FROM node\nCOPY package.json package-lock.json .\nRUN npm ci\n")
    quick.git("add", ".")
    quick.git("commit", "--no-verify", "-m", "Before the adoption")
    quick.repo.write(".vetting/config.toml", OUR_POLICY)
    said = quick.vetted("init")
    assert "kept the policy, .vetting/config.toml" in said
    assert "exempted 66 packages" in said
    config = (quick.repo.path / ".vetting/config.toml").read_text(encoding="utf-8")
    assert config == OUR_POLICY.replace("format = 1", "format = 2")
    baseline = (quick.repo.path / ".vetting/baseline.txt").read_text(encoding="utf-8")
    assert baseline.startswith("install-command/scripts-run Dockerfile ")
    quick.vetted("init")
    assert (quick.repo.path / ".vetting/config.toml").read_text(encoding="utf-8") == config
    quick.accepted("commit", "-m", "Adopt npm-vetted")
    quick.checks()


@pytest.mark.slow
def test_express_is_rejected_then_accepted(story: Story) -> None:
    story.npm("install", "express@4.21.2")
    story.git("add", ".")
    said = story.rejected("commit", "-m", "Add express")
    assert without_program(said) == REJECTED
    story.fix(said)
    story.accepted("commit", "-m", "Add express")
    story.checks()
    assert story.repo.git("status", "--porcelain") == ""
    assert story.repo.git("show", "--format=", "--name-only", "HEAD").split() == [
        EXPRESS_NOTE,
        "package-lock.json",
        "package.json",
    ]


def _delete_note(story: Story) -> None:
    story.git("rm", "-q", ".vetting/notes/ms/2.1.3.toml")


def _delete_npmrc(story: Story) -> None:
    story.git("rm", "-q", ".npmrc")


def _let_scripts_run(story: Story) -> None:
    story.repo.write(".npmrc", "ignore-scripts=false\n")
    story.git("add", ".npmrc")


UNDONE = [
    pytest.param(
        _delete_note,
        "package-lock.json:11: error: ms@2.1.3: this commit removes .vetting/notes/ms/2.1.3.toml, "
        "but the lockfile still contains the package it covers [notes]",
        id="deleted note",
    ),
    pytest.param(_delete_npmrc, ".npmrc:1: error: ", id="deleted npmrc"),
    pytest.param(_let_scripts_run, ".npmrc:1: error: ", id="scripts on"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("undo", "words"), UNDONE)
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "with another change"])
def test_protection_cannot_be_taken_away(
    story: Story, undo: Callable[[Story], None], words: str, alone: bool
) -> None:
    story.add("ms@2.1.3")
    undo(story)
    if not alone:
        story.repo.write("README.md", "# Shop\n\nBuy.\n")
        story.git("add", "README.md")
    assert words in story.rejected("commit", "-m", "Undo")
    # What the finding says puts it right.
    story.git("reset", "-q", "--hard")
    undo(story)
    for command in fixes(story.rejected("commit", "-m", "Undo")):
        story.shell(command)
    story.checks()


@pytest.mark.slow
def test_commit_a_is_judged_as_it_lands(story: Story) -> None:
    story.add("ms@2.1.3")
    story.npm("install", "--package-lock-only", "isarray@2.0.5")
    said = story.rejected("commit", "-a", "-m", "Add isarray")
    assert "isarray@2.0.5: new" in said
    story.fix(said)
    story.accepted("commit", "-a", "-m", "Add isarray")
    story.checks()


@pytest.mark.slow
def test_commit_path_is_judged_as_it_lands(story: Story) -> None:
    story.npm("install", "--package-lock-only", "ms@2.1.3")
    story.git("add", ".")
    story.fix(story.rejected("commit", "-m", "Add ms"))
    # The note stays behind: what lands has none.
    said = story.rejected("commit", "-m", "Add ms", "--", "package.json", "package-lock.json")
    assert without_program(said) == LEFT_BEHIND
    for command in fixes(said):
        story.shell(command)
    # What lands has no package of npm's at all.
    story.repo.write("README.md", "# Shop\n\nBuy.\n")
    story.accepted("commit", "-m", "Say more", "--", "README.md")
    story.accepted("commit", "-m", "Add ms")


@pytest.mark.slow
def test_amend_is_judged_by_what_it_adds(story: Story) -> None:
    story.add("ms@2.1.3")
    story.accepted("commit", "--amend", "-m", "Only other words")
    story.git("rm", "-q", ".vetting/notes/ms/2.1.3.toml")
    assert "but the lockfile still contains" in story.rejected("commit", "--amend", "--no-edit")
    story.git("reset", "-q", "--hard")
    story.npm("install", "--package-lock-only", "isarray@2.0.5")
    story.git("add", ".")
    story.fix(story.rejected("commit", "--amend", "--no-edit"))
    story.accepted("commit", "--amend", "--no-edit")
    story.checks()


def _remote(story: Story, tmp_path: Path) -> None:
    story.git("init", "-q", "--bare", str(tmp_path / "remote.git"))
    story.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    story.accepted("push", "-q", "origin", "main")


@pytest.mark.slow
@pytest.mark.parametrize("branch", ["main", "feature"])
def test_a_push_is_judged_by_its_range(story: Story, tmp_path: Path, branch: str) -> None:
    """``feature`` is new to the remote."""
    _remote(story, tmp_path)
    if branch != "main":
        story.git("switch", "-q", "-c", branch)
    story.slip("ms@2.1.3")
    said = story.rejected("push", "origin", branch)
    assert said.startswith("package-lock.json:11: error: ms@2.1.3: ")
    story.fix(said)
    story.accepted("commit", "-m", "Vet ms")
    story.accepted("push", "origin", branch)


@pytest.mark.slow
def test_the_frameworks_judge_a_range(story: Story) -> None:
    story.git("switch", "-q", "-c", "feature")
    story.slip("ms@2.1.3")
    command = [*framework_command(story.framework), "run", "--from-ref", "main", "--to-ref", "HEAD"]
    done = story.run(*command, check=False)
    assert done.returncode == 1
    assert "ms@2.1.3: new, and no note or exemption covers it [unvetted]" in done.stdout


@pytest.mark.slow
def test_a_repository_adopts(story: Story) -> None:
    story.git("rm", "-q", ".npmrc")
    story.slip("express@4.21.2")
    story.checks(passes=False)
    story.vetted("init")
    story.accepted("commit", "-m", "Adopt npm-vetted")
    assert story.repo.git("status", "--porcelain") == ""
    assert "66 packages" in story.vetted("check", "--all")
    story.checks()
    # From now on what is new needs a note.
    story.add("isarray@2.0.5")


@pytest.mark.slow
def test_a_bots_branch_gets_its_notes(story: Story, tmp_path: Path) -> None:
    story.add("ms@2.1.2")
    story.add("isarray@2.0.4")
    _remote(story, tmp_path)
    story.git("switch", "-q", "-c", "bot")
    story.slip("ms@2.1.3", "isarray@2.0.5", "express@4.21.2")
    story.rejected("push", "origin", "bot")
    story.vetted("note", "--from-ref", "main", "--criteria", "health,changelog", "-m", WHY)
    notes = story.repo.git("diff", "--cached", "--name-only").split()
    # One for the new one, with what it brings; one group for both upgrades.
    assert notes[1:] == [EXPRESS_NOTE]
    assert notes[0].startswith(".vetting/notes/_groups/")
    story.accepted("commit", "-m", "Vet what the bot brought")
    story.accepted("push", "origin", "bot")
    story.checks()


@pytest.mark.slow
def test_an_exemption_is_committed_on_its_own(story: Story) -> None:
    story.add("ms@2.1.3")
    story.vetted("init")
    story.accepted("commit", "-m", "Adopt")
    story.npm("install", "--package-lock-only", "isarray@2.0.5")
    story.git("add", ".")
    story.vetted("exempt", "isarray@2.0.5", "--reason", "five lines, read in full by all of us")
    said = story.rejected("commit", "-m", "Add isarray")
    assert "loosens the policy in a change that does something else" in said
    story.accepted("commit", "-m", "Exempt isarray", "--", ".vetting/exemptions.txt")
    story.accepted("commit", "-m", "Add isarray")
    story.checks()


@pytest.mark.slow
def test_a_clean_merge_of_the_trunk(story: Story) -> None:
    story.git("switch", "-q", "-c", "feature")
    story.repo.write("README.md", "# Shop\n\nBuy.\n")
    story.accepted("commit", "-a", "-m", "Say more")
    story.git("switch", "-q", "main")
    story.add("ms@2.1.3")
    story.git("switch", "-q", "feature")
    story.accepted("merge", "main", "-m", "Merge the trunk")
    assert len(story.repo.git("rev-parse", "HEAD^@").split()) == 2
    story.checks()


@pytest.mark.slow
def test_a_clean_merge_that_loses_a_note(story: Story) -> None:
    """Neither side is at fault: the trunk drops ms and its note, the branch restores the lockfile."""
    story.add("ms@2.1.3")
    added = story.repo.git("rev-parse", "HEAD")
    story.npm("uninstall", "--package-lock-only", "ms")
    story.accepted("commit", "-a", "-m", "Drop ms")
    story.git("switch", "-q", "-c", "feature")
    story.git("checkout", added, "--", "package.json", "package-lock.json")
    story.accepted("commit", "-m", "Take ms back, its note is there")
    story.git("switch", "-q", "main")
    story.git("rm", "-q", "-r", ".vetting/notes/ms")
    story.accepted("commit", "-m", "Drop the note that nothing needs")
    story.git("switch", "-q", "feature")
    said = story.rejected("merge", "main", "-m", "Merge the trunk")
    assert "ms@2.1.3" in said


@pytest.mark.slow
def test_a_merge_with_a_conflict(story: Story) -> None:
    story.git("switch", "-q", "-c", "feature")
    story.add("isarray@2.0.5")
    story.git("switch", "-q", "main")
    story.add("ms@2.1.3")
    story.git("switch", "-q", "feature")
    done = story.git("merge", "main", check=False)
    assert "CONFLICT" in done.stdout
    story.git("checkout", "-q", "--theirs", "package.json", "package-lock.json")
    story.npm("install", "--package-lock-only", "isarray@2.0.5", "express@4.21.2")
    story.git("add", ".")
    # What is in a parent is not judged again, what the merge itself brings is.
    said = story.rejected("commit", "-m", "Merge the trunk")
    assert "express@4.21.2" in said
    assert "isarray" not in said
    assert " ms@2.1.3: " not in said
    story.npm("uninstall", "--package-lock-only", "express")
    story.git("add", ".")
    story.accepted("commit", "-m", "Merge the trunk")
    story.checks()


@pytest.mark.slow
def test_two_branches_note_two_versions_of_one_package(story: Story) -> None:
    story.git("switch", "-q", "-c", "feature")
    story.add("ms@2.1.3")
    story.git("switch", "-q", "main")
    story.add("ms@2.1.2")
    story.git("switch", "-q", "feature")
    done = story.git("merge", "main", check=False)
    conflicts = story.repo.git("diff", "--name-only", "--diff-filter=U").split()
    assert "CONFLICT" in done.stdout
    assert conflicts == ["package-lock.json", "package.json"]
    story.git("checkout", "-q", "--ours", "package.json", "package-lock.json")
    story.git("add", ".")
    story.accepted("commit", "-m", "Merge the trunk")
    story.checks()
    notes = sorted(each.name for each in (story.repo.path / ".vetting/notes/ms").iterdir())
    assert notes == ["2.1.2.toml", "2.1.3.toml"]


@pytest.mark.slow
def test_a_rebase_keeps_the_notes(story: Story, tmp_path: Path) -> None:
    _remote(story, tmp_path)
    story.git("switch", "-q", "-c", "feature")
    story.add("ms@2.1.3")
    story.git("switch", "-q", "main")
    story.repo.write("README.md", "# Shop\n\nBuy.\n")
    story.accepted("commit", "-a", "-m", "Say more")
    story.accepted("push", "-q", "origin", "main")
    story.git("switch", "-q", "feature")
    story.accepted("rebase", "-q", "main")
    story.accepted("push", "-q", "origin", "feature")
    story.checks()


@pytest.mark.slow
def test_a_cherry_pick_without_its_note_is_not_pushed(story: Story, tmp_path: Path) -> None:
    """git runs no hook for a pick: the push is where it is judged."""
    _remote(story, tmp_path)
    story.git("switch", "-q", "-c", "feature")
    story.slip("ms@2.1.3")
    slipped = story.repo.git("rev-parse", "HEAD")
    story.vetted("note", "ms@2.1.3", "--criteria", "health", "-m", WHY)
    story.accepted("commit", "-m", "Vet ms")
    noted = story.repo.git("rev-parse", "HEAD")
    story.git("switch", "-q", "main")
    story.accepted("cherry-pick", slipped)
    assert "ms@2.1.3" in story.rejected("push", "origin", "main")
    story.accepted("cherry-pick", noted)
    story.accepted("push", "origin", "main")
