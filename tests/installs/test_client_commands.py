"""What each client's command lines do: verbs, flags, variables; every verb that installs, and those not."""

from __future__ import annotations

import pytest

from tests.installs.test_corpus import REPOSITORIES, in_shell, problems

# By repository, and what is said of each command line; nothing is said of those that pass.
LINES: dict[str, dict[str, str]] = {
    "npm": {
        "": r"""
npm install --ignore-scripts=
npm ci --ig
npm ci --no-i
npm ci --no-ignore-scripts=false
npm ci -w a
npm install x
npm i ./local
npm i git+https://x/y.git
npm i --package-lock-only x
npm i --dry-run x
npm install-test
npm cit
npm update
npm audit fix
npm audit
npm dedupe
npm prune
npm uninstall x
npm rm -g x
npm link
npm link x
npm ln ../x
npm rebuild
npm rebuild x
npm init
npm init -y
npx --no-install x
npx --no x
npx
npx --version
npm run build
npm run
npm run-script x -- npm i -g y
npm test
npm start
npm publish
npm pack
npm version patch
npm config list
npm c set ignore-scripts true
npm explore x -- npm i
npm --userconfig x ci
npm ci --script-shell=/x
npm ci --foreground-scripts
npm ci --unknown-flag
npm
npm --help
npm help install
npm ci --help
npm install -g npm@10 --ignore-scripts
npm i --global=false x
npm i --no-save x
npm i --omit=dev
npm ci --offline
npm shrinkwrap
npm sbom
npm stars
npm foo
npm t
npm isntall x
npm add x
npm in x
npm unlink x
npm edit x
npm cache clean
npm query x
npm diff
npm i --before=2020-01-01
npm i --omit dev --include optional
""",
        "not known here": r"""
npm ci $FLAGS
npm $VERB
""",
        "no project is in that folder": r"""
npm --prefix sub ci
npm -C sub ci
npm ci --prefix=/tmp/x
""",
        "outside a project, no committed setting applies": r"""
npm up -g
npm update -g npm
npm i --location=global x
""",
        "switches install scripts on": r"""
npm ci --no-ignore-scripts
npm ci --no-ig
npm ci --ig=false
npm ci --ignore-scr false
npm ci --dang
npm config set ignore-scripts false
npm config set ignore-scripts=false
npm config delete ignore-scripts
npm config set ignore-scripts false --location=project
npm set ignore-scripts false
npm dedupe --ignore-scripts=false
npm ci --allow-scripts=x
""",
        "that no note covers": r"""
npm approve-scripts x
npm approve-scripts --all
""",
        "its version is not exact": r"""
npm exec x
npm exec -- x a
npm exec --package=x -c 'y'
npm x -y x
npm init foo
npm create vite
npx x
npx -p x y
npx --package x --package y -c 'npm i -g z'
npx --ignore-scripts x
npx -y npm@10 ci
""",
    },
    "pnpm10": {
        "": r"""
pnpm i
pnpm install --frozen-lockfile
pnpm install --no-frozen-lockfile
pnpm install --frozen-lockfile=false
pnpm i --lockfile-only
pnpm ci
pnpm add x
pnpm add -g x
pnpm i --ignore-scripts
pnpm i --dangerously-allow-all-builds=false
pnpm --dir sub i
pnpm i --ignore-workspace
pnpm -r i
pnpm --filter a i
pnpm up
pnpm up -g
pnpm update --lockfile-only
pnpm deploy out
pnpm link
pnpm link ../x
pnpm prune
pnpm remove x
pnpm rm -g x
pnpm rebuild
pnpm rebuild x
pnpm rb x
pnpm dlx
pnpm dlx --help
pnpm create
pnpm config get a
pnpm build
pnpm run build
pnpm --help
pnpm
pnpm -v
pnpm i --unknown
npm_config_dangerously_allow_all_builds=false pnpm i
pnpm env use --global 20
pnpm import
pnpm fetch
pnpm audit
pnpm self-update 10.1.0
""",
        "not known here": r"""
pnpm dlx $X
pnpm $X
""",
        "no project is in that folder": r"""
pnpm -C /tmp i
""",
        "outside a project, no committed setting applies": r"""
pnpm -r exec npm i -g x
pnpm exec npm i -g x
""",
        "switches install scripts on": r"""
pnpm add --allow-build=x x
pnpm i --no-ignore-scripts
pnpm i --config.ignore-scripts=false
pnpm i --config.dangerouslyAllowAllBuilds
pnpm i --dangerously-allow-all-builds
pnpm config set ignore-scripts false
pnpm config set ignore-scripts=false --location=project
pnpm set ignore-scripts false
pnpm_config_ignore_scripts=false pnpm i
npm_config_ignore_scripts=false pnpm i
pnpm_config_dangerously_allow_all_builds=true pnpm i
""",
        "that no note covers": r"""
pnpm approve-builds
pnpm approve-builds x !y
pnpm approve-builds --all
""",
        "its version is not exact": r"""
pnpm dlx x
pnpm --package=x dlx y
pnpm create vite
pnpx x
pnx x a
""",
    },
    "yarn": {
        "": r"""
yarn
yarn install
yarn --frozen-lockfile
yarn install --no-lockfile
yarn install --pure-lockfile
yarn --ignore-scripts
yarn --no-ignore-scripts
yarn --mode=skip-build
yarn add x
yarn global list
yarn upgrade
yarn upgrade-interactive
yarn remove x
yarn link
yarn link x
yarn --cwd sub install
yarn create
yarn workspace a install
yarn workspace a
yarn workspaces run build
yarn workspaces focus
yarn workspaces foreach -A run npm i -g x
yarn config set ignore-scripts
yarn config list
yarn build
yarn run build
yarn --help
yarn --version
yarn install --bogus
YARN_IGNORE_SCRIPTS=true yarn
YARN_ENABLE_SCRIPTS=1 yarn
yarnpkg install
""",
        "not known here": r"""
yarn $X
YARN_IGNORE_SCRIPTS=$X yarn
""",
        "ignore the project's settings": r"""
yarn --no-default-rc
yarn --use-yarnrc x install
""",
        "no project is in that folder": r"""
yarn --cwd /tmp install
""",
        "outside a project, no committed setting applies": r"""
yarn exec npm i -g x
yarn exec -- npm i -g x
""",
        "switches install scripts on": r"""
yarn config set ignore-scripts false
YARN_IGNORE_SCRIPTS=false yarn
""",
        "its version is not exact": r"""
yarn create vite
yarn dlx x
""",
    },
    "berry": {
        "": r"""
yarn
yarn install --immutable
yarn install --no-immutable
yarn install --mode=skip-build
yarn install --mode=update-lockfile
yarn up x
yarn dedupe
yarn unplug x
yarn rebuild
yarn rebuild x
yarn workspaces focus --all
yarn workspaces foreach
yarn link ../x
""",
        "not known here": r"""
yarn dlx $X
YARN_ENABLE_SCRIPTS=$X yarn
""",
        "outside a project, no committed setting applies": r"""
yarn workspaces foreach -A exec npm i -g x
""",
        "switches install scripts on": r"""
yarn config set enableScripts true
yarn config set -H enableScripts true
YARN_ENABLE_SCRIPTS=1 yarn
YARN_ENABLE_SCRIPTS=true yarn install
""",
        "its version is not exact": r"""
yarn dlx x
yarn dlx -p x y
yarn create vite
YARN_ENABLE_SCRIPTS=0 yarn dlx x
""",
    },
    "bun": {
        "": r"""
bun install
bun i
bun install --frozen-lockfile
bun install --no-frozen-lockfile
bun install --lockfile-only
bun install --dry-run
bun install --ignore-scripts
bun install --no-ignore-scripts
bun add x
bun a x
bun remove x
bun rm -g x
bun update
bun link
bun link x
bun pm ls
bun pm untrusted
bun pm
bunx --no-install x
bun create
bun init
bun run build
bun build x
bun test
bun x.ts
bun exec
bun -e 'x'
bun --cwd sub install
bun
bun --help
bun --version
bun i --bogus
bun patch x
bun outdated
bun upgrade
bun ci
BUN_CONFIG_X=1 bun i
""",
        "not known here": r"""
bun $X
""",
        "ignore the project's settings": r"""
bun -c x install
bun install --config=x
""",
        "no project is in that folder": r"""
bun --cwd=/tmp install
bun install --cwd /tmp
""",
        "outside a project, no committed setting applies": r"""
bun add -g x
bun install -g x
bun exec 'npm i -g x'
""",
        "switches install scripts on": r"""
bun add --trust x
bun add -d --trust x
""",
        "that no note covers": r"""
bun pm trust x
bun pm trust --all
""",
        "whether a locked package has this program is not known here": r"""
bunx x
bun x x
bunx --bun x
bunx -p x y
""",
        "its version is not exact": r"""
bunx @a/x
bun create vite
bun c vite
""",
    },
}
CASES = [
    (repository, text, words)
    for repository, said in LINES.items()
    for words, lines in said.items()
    for text in lines.strip().splitlines()
]


@pytest.mark.parametrize(
    ("repository", "text", "words"), CASES, ids=[f"{name}: {text}" for name, text, _ in CASES]
)
def test_a_command_line(repository: str, text: str, words: str) -> None:
    found = [each.message for each in in_shell(text, repository)]
    assert words in found[0] if words else found == []


# PowerShell and cmd stand in workflows, which say so.

WORKFLOW = """\
jobs:
  a:
    runs-on: windows-latest
    steps:
      - uses: actions/checkout@v4
      - shell: {shell}
        run: |
"""
FIRST = WORKFLOW.count("\n") + 1
GLOBAL = "`npm i -g x` runs install scripts: outside a project, no committed setting applies"
WITHOUT = "`npm ci` runs install scripts: .npmrc is not there when it runs"
ON = "npm_config_ignore_scripts=false switches install scripts on for every command that sees it"


def on_windows(shell: str, text: str) -> list[tuple[int, str]]:
    path = ".github/workflows/a.yml"
    lines = "".join(f"          {line}\n" for line in text.split("\n"))
    files = {**REPOSITORIES["npm"], "sub/a.js": "", path: WORKFLOW.format(shell=shell) + lines}
    found = problems(path, files)
    return [(each.location.line - FIRST, each.message) for each in found]


@pytest.mark.parametrize(
    ("shell", "text", "expected"),
    [
        ("pwsh", "npm i -g x", (0, GLOBAL)),
        ("pwsh", "a\n'npm' i -g x", (1, GLOBAL)),
        ("pwsh", "'npm' i -g x", (0, GLOBAL)),
        ("pwsh", "npm `\n i -g x", (0, GLOBAL)),
        ("pwsh", "$x = npm i -g x", (0, GLOBAL)),
        ("pwsh", '$p = "npm"; & $p i -g x', (0, GLOBAL)),
        ("pwsh", "if ($true) { npm i -g x } else { npm ci }", (0, GLOBAL)),
        ("pwsh", "try { npm i -g x } finally { }", (0, GLOBAL)),
        ("pwsh", "foreach ($x in 1..3) { npm i -g x }", (0, GLOBAL)),
        ("pwsh", "function f { npm i -g x }", (0, GLOBAL)),
        ("pwsh", 'Start-Process npm -ArgumentList "i","-g","x" -Wait', (0, GLOBAL)),
        ("pwsh", "Start-Process -FilePath npm -Args 'i -g x' -WorkingDirectory C:\\x", (0, GLOBAL)),
        ("pwsh", 'Invoke-Expression "npm i -g x"', (0, GLOBAL)),
        ("pwsh", '"$(npm i -g x)"', (0, GLOBAL)),
        ("pwsh", "@(npm i -g x)", (0, GLOBAL)),
        ("pwsh", '$env:npm_config_ignore_scripts="false"; npm ci', (0, ON)),
        ("pwsh", '$env:npm_config_ignore_scripts = "false"', (0, ON)),
        ("pwsh", "Remove-Item -Force .npmrc; npm ci", (0, WITHOUT)),
        ("pwsh", "Move-Item .npmrc b; npm ci", (0, WITHOUT)),
        ("powershell", "Copy-Item a.txt .npmrc; npm ci", (0, "undecided: `npm ci`: what .npmrc holds")),
        ("pwsh", "Set-Location sub; npm ci", None),
        ("pwsh", "Push-Location sub; npm ci; Pop-Location; npm ci", None),
        ("pwsh", "# npm i -g x", None),
        ("pwsh", "npm ci # -g", None),
        ("pwsh", "Write-Host 'npm i -g x'", None),
        ("pwsh", "saps", None),
        ("pwsh", "npm ci | Out-Null", None),
        ("cmd", "@npm i -g x", (0, GLOBAL)),
        ("cmd", "call npm i -g x", (0, GLOBAL)),
        ("cmd", "npm i ^\n -g x", (0, GLOBAL)),
        ("cmd", "if exist x (npm i -g x) else npm ci", (0, GLOBAL)),
        ("cmd", "set N=npm& %N% i -g x", (0, GLOBAL)),
        ("cmd", "start npm i -g x", (0, GLOBAL)),
        ("cmd", '"npm" i -g x', (0, GLOBAL)),
        ("cmd", "set npm_config_ignore_scripts=false& npm ci", (0, ON)),
        ("cmd", "del /q .npmrc && npm ci", (0, WITHOUT)),
        ("cmd", "move .npmrc b && npm ci", (0, WITHOUT)),
        ("cmd", "%NPM% i -g x", (0, "undecided: which program `… i -g x` runs is not known here")),
        ("cmd", "@echo off", None),
        ("cmd", "cd /d sub && npm ci", None),
        ("cmd", "REM npm i -g x", None),
        ("cmd", ":: npm i -g x", None),
    ],
)  # fmt: skip
def test_a_line_of_windows(shell: str, text: str, expected: tuple[int, str] | None) -> None:
    found = on_windows(shell, text)
    if expected is None:
        assert found == []
    else:
        assert any(line == expected[0] and expected[1] in message for line, message in found), found
