"""``check --ci``: the range to judge, as the environment of a known CI system tells it.

Each reader below takes the environment and returns what its CI system is building, or None if
another system runs. The variables are those of each system's own documentation. A proposal (a pull or
merge request) is judged against the tip of its target branch; a push against the branch's old value
and the default branch. Where history is missing, nothing is judged and the error names the fetch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from npm_vetted.errors import UndecidedError, UsageError
from npm_vetted.git.push import Push, default_branch

if TYPE_CHECKING:
    from npm_vetted.git.repository import Repository

Environment = Mapping[str, str]
BEFORE: Final = "NPM_VETTED_BEFORE"
"""The old commit of a push, for systems whose own variables do not name it; a recipe sets it."""
_EVENT_LIMIT: Final = 32 * 1024 * 1024


class CiBuild(NamedTuple):
    """A CI system's description of its build.

    ``target`` is the branch that a proposal is for (None: it is no proposal), ``base`` a commit to
    judge from where the system names one. ``branch`` is the branch that was pushed, ``before`` its
    old commit, ``default`` the default branch; each None where the system does not tell.
    ``commits`` name the commit to judge: the first that the clone has. ``fetches`` name what else
    to fetch for that. ``whole`` says how this system clones the whole history.
    """

    system: str
    whole: str
    commits: tuple[str, ...]
    target: str | None = None
    base: str | None = None
    branch: str | None = None
    before: str | None = None
    default: str | None = None
    fetches: tuple[str, ...] = ()


class CiScope(NamedTuple):
    """The scope to judge: a range, a push, or (if both are None) everything; also in words."""

    words: str
    span: tuple[str, str] | None = None
    push: Push | None = None


def scope_of_ci(repository: Repository, environment: Environment) -> CiScope:
    """The scope that the present CI system builds.

    Raises UsageError where no known system is found, UndecidedError where the clone lacks history.
    """
    build = next((found for read in _READERS if (found := read(environment))), None)
    if build is None:
        raise UsageError(
            f"--ci: no known CI system is found in the environment (known: {', '.join(SYSTEMS)})",
            fix='name the range: npm-vetted check --from-ref "origin/main" --to-ref HEAD',
        )
    if build.target or build.base:
        return _proposal(repository, build)
    if build.before is None:
        build = build._replace(before=_old(environment.get(BEFORE)))
    return _push(repository, build)


def _proposal(repository: Repository, build: CiBuild) -> CiScope:
    if build.base:
        start, named = _commit(repository, build, build.base, build.base), build.base[:12]
    else:
        start, named = _tip(repository, build, build.target or "")
    judged = _judged(repository, build)
    _need_merge_base(repository, build, start, judged)
    into = f" into {build.target}" if build.target else ""
    words = f"{build.system}, a proposal{into}: what {judged[:12]} brings to {named}"
    # A full name: a tag may be called origin/main. HEAD, so that printed fixes run in any clone.
    known = f"refs/remotes/{named}" if build.target and not build.base else start
    return CiScope(words, span=(known, "HEAD" if judged == repository.head else judged))


def _push(repository: Repository, build: CiBuild) -> CiScope:
    judged = _judged(repository, build)
    known = _default(repository, build)
    is_default = known is not None and known == build.branch
    old = repository.ref(build.before) if build.before else None
    trunks: tuple[str, ...] = ()
    if known is not None and not is_default:
        trunks = (_tip(repository, build, known)[0],)
    if build.before and old is None and not trunks:
        raise _missing(repository, build, build.before, build.before)
    if old is None and not trunks:
        words = f"{build.system}, no range is known: everything that is checked out"
        return CiScope(f"{words} ({BEFORE} names the old commit of a push)")
    held = [each for each in (old, *trunks) if each]
    for each in held:
        _need_merge_base(repository, build, each, judged)
    ref = f"refs/heads/{build.branch or 'HEAD'}"
    names = [f"{old[:12]} (before)"] if old else []
    names += [f"origin/{known}"] if trunks else []
    words = f"{build.system}, a push: what {judged[:12]} brings to {' and '.join(names)}"
    return CiScope(words, push=Push(ref=ref, new=judged, old=old, trunks=trunks))


def _default(repository: Repository, build: CiBuild) -> str | None:
    if build.default:
        return build.default
    found = default_branch(repository, _remote(repository))
    return None if found is None else found[0]


def _judged(repository: Repository, build: CiBuild) -> str:
    """The commit that the system builds; never another one that happens to be checked out."""
    for name in build.commits:
        found = repository.ref(name)
        if found is not None:
            return found
    wanted = build.commits[0]
    raise _missing(repository, build, wanted, build.fetches[0] if build.fetches else wanted)


def _tip(repository: Repository, build: CiBuild, branch: str) -> tuple[str, str]:
    """The tip of a branch of the remote, and its name here; a local branch is not trusted."""
    name = f"{_remote(repository)}/{branch}"
    found = repository.ref(f"refs/remotes/{name}")
    if found is None:
        refspec = f"{branch}:refs/remotes/{name}"
        raise _missing(repository, build, f"the branch {branch!r}", refspec)
    return found, name


def _commit(repository: Repository, build: CiBuild, name: str, refspec: str) -> str:
    found = repository.ref(name)
    if found is None:
        raise _missing(repository, build, name, refspec)
    return found


def _remote(repository: Repository) -> str:
    return (repository.remotes() or ("origin",))[0]


def _need_merge_base(repository: Repository, build: CiBuild, one: str, other: str) -> None:
    if repository.merge_bases(one, other, optional=True):
        return
    if not repository.shallow:
        raise UndecidedError(f"{build.system}: {one[:12]} and {other[:12]} share no history")
    raise UndecidedError(
        f"{build.system}: the clone is shallow: no common history of {one[:12]} and {other[:12]}",
        fix=f"add: git fetch --unshallow {_remote(repository)} (or clone all of it: {build.whole})",
    )


def _missing(repository: Repository, build: CiBuild, what: str, refspec: str) -> UndecidedError:
    deep = "--unshallow " if repository.shallow else ""
    words = f"git fetch {deep}{_remote(repository)}"
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/:-]*", refspec):
        words += f" {refspec}"
    return UndecidedError(
        f"{build.system}: this clone does not have {what}",
        fix=f"add: {words} (or clone all of it: {build.whole})",
    )


def _branch(name: str | None) -> str | None:
    """A branch without ``refs/heads/``; None for what is no branch."""
    if not name or (name.startswith("refs/") and not name.startswith("refs/heads/")):
        return None
    return name.removeprefix("refs/heads/")


def _old(commit: str | None) -> str | None:
    """The old commit of a push; None where git writes zeros: the branch is new."""
    return commit if commit and commit.strip("0") else None


def _github(environment: Environment) -> CiBuild | None:
    """GitHub Actions, and Gitea's and Forgejo's, which set the same variables."""
    if environment.get("GITHUB_ACTIONS") != "true":
        return None
    event = _event(environment.get("GITHUB_EVENT_PATH"))
    name = environment.get("GITHUB_EVENT_NAME", "")
    sha = environment.get("GITHUB_SHA", "HEAD")
    build = CiBuild(
        "GitHub Actions", "actions/checkout with fetch-depth: 0", (sha,),
        default=_text(event, "repository", "default_branch"),
    )  # fmt: skip
    if name.startswith("pull_request"):
        head = _text(event, "pull_request", "head", "sha")
        number = re.search(r"\d+", environment.get("GITHUB_REF", "")) or event.get("number", "")
        pull = number.group() if isinstance(number, re.Match) else str(number)
        # For pull_request_target, GITHUB_SHA is the target branch itself.
        if name == "pull_request_target" and head is None:
            raise UndecidedError("GitHub Actions: the event names no pull request's head")
        commits = (head or sha,) if name == "pull_request_target" else (sha, head or sha)
        target = environment.get("GITHUB_BASE_REF") or _text(event, "pull_request", "base", "ref")
        fetches = (f"refs/pull/{pull}/head",) if pull.isdigit() else ()
        return build._replace(commits=commits, target=target, fetches=fetches)
    if name == "merge_group":
        base = _text(event, "merge_group", "base_sha")
        return build._replace(
            base=base, target=_branch(_text(event, "merge_group", "base_ref")),
            commits=(_text(event, "merge_group", "head_sha") or sha,),
        )  # fmt: skip
    return build._replace(
        branch=_branch(environment.get("GITHUB_REF")),
        before=_old(_text(event, "before")) if name == "push" else None,
    )


def _event(path: str | None) -> Mapping[str, object]:
    """The event that started a workflow, as GitHub writes it; empty where there is none."""
    if not path:
        return {}
    try:
        file = Path(path)
        if file.stat().st_size > _EVENT_LIMIT:
            raise UndecidedError("the workflow's event is too large to be read", path=path)
        data = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise UndecidedError(f"the workflow's event cannot be read: {error}", path=path) from None
    return data if isinstance(data, dict) else {}


def _text(data: object, *keys: str) -> str | None:
    for key in keys:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data if isinstance(data, str) and data else None


def _gitlab(environment: Environment) -> CiBuild | None:
    if not environment.get("GITLAB_CI"):
        return None
    return CiBuild(
        "GitLab CI", 'GIT_DEPTH: "0"', (environment.get("CI_COMMIT_SHA", "HEAD"),),
        target=environment.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"),
        branch=environment.get("CI_COMMIT_BRANCH"),
        before=_old(environment.get("CI_COMMIT_BEFORE_SHA")),
        default=environment.get("CI_DEFAULT_BRANCH"),
    )  # fmt: skip


def _azure(environment: Environment) -> CiBuild | None:
    if not environment.get("TF_BUILD"):
        return None
    is_proposal = environment.get("BUILD_REASON") == "PullRequest"
    target = environment.get("SYSTEM_PULLREQUEST_TARGETBRANCH")
    return CiBuild(
        "Azure Pipelines", "checkout: self with fetchDepth: 0",
        (environment.get("BUILD_SOURCEVERSION", "HEAD"),),
        target=_branch(target) if is_proposal else None,
        branch=_branch(environment.get("BUILD_SOURCEBRANCH")),
    )  # fmt: skip


def _circleci(environment: Environment) -> CiBuild | None:
    """CircleCI names no target branch, so the range is from the default branch to the branch."""
    if environment.get("CIRCLECI") != "true":
        return None
    return CiBuild(
        "CircleCI", "checkout with method: full", (environment.get("CIRCLE_SHA1", "HEAD"),),
        branch=environment.get("CIRCLE_BRANCH"),
    )  # fmt: skip


def _bitbucket(environment: Environment) -> CiBuild | None:
    if not environment.get("BITBUCKET_COMMIT"):
        return None
    return CiBuild(
        "Bitbucket Pipelines", "clone: depth: full", (environment["BITBUCKET_COMMIT"],),
        target=environment.get("BITBUCKET_PR_DESTINATION_BRANCH"),
        branch=environment.get("BITBUCKET_BRANCH"),
    )  # fmt: skip


def _gerrit(environment: Environment) -> CiBuild | None:
    """The Gerrit Trigger of Jenkins: a change, with the changes below it that are not merged yet."""
    revision, branch = (
        environment.get("GERRIT_PATCHSET_REVISION"),
        environment.get("GERRIT_BRANCH"),
    )
    if not revision or not branch:
        return None
    refspec = environment.get("GERRIT_REFSPEC")
    return CiBuild(
        "Gerrit", "a clone that is not shallow", (revision,), target=_branch(branch),
        fetches=(refspec,) if refspec else (),
    )  # fmt: skip


def _jenkins(environment: Environment) -> CiBuild | None:
    """Jenkins: HEAD, since a pull request is built as a merge that Jenkins makes itself."""
    if not environment.get("JENKINS_URL"):
        return None
    return CiBuild(
        "Jenkins", "the Git plugin without a shallow clone", ("HEAD",),
        target=environment.get("CHANGE_TARGET"),
        branch=_branch(environment.get("BRANCH_NAME"))
        or (environment.get("GIT_BRANCH") or "").removeprefix("origin/")
        or None,
        before=environment.get("GIT_PREVIOUS_SUCCESSFUL_COMMIT"),
    )  # fmt: skip


def _buildkite(environment: Environment) -> CiBuild | None:
    if environment.get("BUILDKITE") != "true":
        return None
    proposal = environment.get("BUILDKITE_PULL_REQUEST", "false") != "false"
    target = environment.get("BUILDKITE_PULL_REQUEST_BASE_BRANCH") if proposal else None
    return CiBuild(
        "Buildkite", "BUILDKITE_GIT_CLONE_FLAGS without --depth",
        (environment.get("BUILDKITE_COMMIT", "HEAD"),),
        target=target or environment.get("BUILDKITE_MERGE_QUEUE_BASE_BRANCH"),
        base=environment.get("BUILDKITE_MERGE_QUEUE_BASE_COMMIT"),
        branch=environment.get("BUILDKITE_BRANCH"),
        default=environment.get("BUILDKITE_PIPELINE_DEFAULT_BRANCH"),
    )  # fmt: skip


def _travis(environment: Environment) -> CiBuild | None:
    if environment.get("TRAVIS") != "true":
        return None
    proposal = environment.get("TRAVIS_EVENT_TYPE") == "pull_request"
    branch = environment.get("TRAVIS_BRANCH")
    before = environment.get("TRAVIS_COMMIT_RANGE", "").partition("...")[0]
    return CiBuild(
        "Travis CI", "git: depth: false", (environment.get("TRAVIS_COMMIT", "HEAD"),),
        target=branch if proposal else None,
        branch=None if proposal else branch,
        before=None if proposal else _old(before),
    )  # fmt: skip


def _woodpecker(environment: Environment) -> CiBuild | None:
    if environment.get("CI_SYSTEM_NAME") != "woodpecker" and environment.get("CI") != "woodpecker":
        return None
    proposal = environment.get("CI_PIPELINE_EVENT", "").startswith("pull_request")
    return CiBuild(
        "Woodpecker", "the clone step with depth: 0 and partial: false",
        (environment.get("CI_COMMIT_SHA", "HEAD"),),
        target=environment.get("CI_COMMIT_TARGET_BRANCH") if proposal else None,
        branch=environment.get("CI_COMMIT_BRANCH"),
        before=None if proposal else _old(environment.get("CI_PREV_COMMIT_SHA")),
        default=environment.get("CI_REPO_DEFAULT_BRANCH"),
    )  # fmt: skip


def _drone(environment: Environment) -> CiBuild | None:
    if environment.get("DRONE") != "true":
        return None
    proposal = environment.get("DRONE_BUILD_EVENT") == "pull_request"
    return CiBuild(
        "Drone", "the clone step with depth: 0",
        (environment.get("DRONE_COMMIT_SHA") or environment.get("DRONE_COMMIT", "HEAD"),),
        target=environment.get("DRONE_TARGET_BRANCH") if proposal else None,
        branch=environment.get("DRONE_BRANCH"),
        before=None if proposal else _old(environment.get("DRONE_COMMIT_BEFORE")),
        default=environment.get("DRONE_REPO_BRANCH"),
    )  # fmt: skip


_READERS: Final[Sequence[Callable[[Environment], CiBuild | None]]] = (
    _github, _gitlab, _azure, _circleci, _bitbucket, _gerrit, _jenkins, _buildkite, _travis,
    _woodpecker, _drone,
)  # fmt: skip
"""Gerrit before Jenkins: its trigger runs there, and both kinds of variables are set."""
SYSTEMS: Final = (
    "GitHub Actions", "GitLab CI", "Azure Pipelines", "CircleCI", "Bitbucket Pipelines", "Gerrit",
    "Jenkins", "Buildkite", "Travis CI", "Woodpecker", "Drone",
)  # fmt: skip
