"""What a shell does before, around and with an install: wrappers, variables, files, blocks."""

from __future__ import annotations

import pytest

from tests.installs.test_corpus import in_shell

GLOBAL = "`npm i -g x` runs install scripts: outside a project, no committed setting applies"
WITHOUT = "`npm ci` runs install scripts: .npmrc is not there when it runs"
OUTSIDE = "`npm ci` runs install scripts: no project is in that folder"
WHERE = "undecided: `npm ci`: where it runs is not known here"
HOLDS = "undecided: `npm ci`: what .npmrc holds when it runs is not known here"
FLAGS = "its flags are not known here"
SWITCHED = "`npm ci`: npm_config_ignore_scripts=false switches install scripts on"

WRAPPED = """\
sudo -u x npm i -g x
doas npm i -g x
env -S 'npm i -g x'
env --split-string='npm i -g x'
env --unset=A npm i -g x
env A=1 npm i -g x
cross-env A=1 npm i -g x
cross-env-shell 'npm i -g x'
timeout -k 5 10 npm i -g x
nice -n 5 npm i -g x
flock /tmp/l npm i -g x
flock /tmp/l -c 'npm i -g x'
flock /tmp/l 'npm i -g x'
dotenvx run -- npm i -g x
doppler run --project a -- npm i -g x
infisical run npm i -g x
volta run --node 20 npm i -g x
fnm exec --using 20 npm i -g x
nvm exec 20 npm i -g x
asdf exec npm i -g x
mise x -- npm i -g x
mise x npm i -g x
mise exec node@20 -- npm i -g x
direnv exec . npm i -g x
conda run -n e npm i -g x
nix develop --command npm i -g x
nix-shell -p nodejs --run 'npm i -g x'
lerna exec -- npm i -g x
kubectl exec pod -- npm i -g x
ssh host npm i -g x
script -c 'npm i -g x' /dev/null
runuser -u x -- npm i -g x
runuser -c 'npm i -g x' x
su -c 'npm i -g x' bob
cmd /c npm i -g x
cmd /s/c npm i -g x
pwsh -c "npm i -g x"
powershell -Command npm i -g x
docker run -it node npm i -g x
docker run --entrypoint npm node i -g x
busybox npm i -g x
find . -name package.json -exec npm i -g x +
corepack npm i -g x
concurrently "npm i -g x" "npm:build"
command npm i -g x
builtin command npm i -g x
exec -a n npm i -g x
bash -ec 'npm i -g x'
bash -o pipefail -c 'npm i -g x'
bash -eo pipefail -c 'npm i -g x'
bash --rcfile a -c 'npm i -g x'
echo 'npm i -g x' | bash
echo 'npm i -g x' | bash -
echo 'npm i -g x' | { bash; }
printf 'npm i -g %s' x | sh
retry -t 3 npm i -g x
retry 'npm i -g x'
strace -f -o l npm i -g x
uv run npm i -g x
time -f %e npm i -g x
nohup npm i -g x &
eval "npm i -g x"
set -- npm i -g x; "$@"
trap 'npm i -g x' EXIT
alias n='npm i -g'; n x
printf -v C 'npm i -g x'; $C
A=(npm i -g x); "${A[@]}"
A=(npm); A+=(i -g x); "${A[@]}"
A=npm; $A i -g x
A="npm i -g x"; $A
A='npm i'; A+=' -g x'; $A
A=${B:-npm}; $A i -g x
$(echo npm) i -g x
`echo npm` i -g x
$(which npm) i -g x
npm i -g $(echo x)
$'npm' i -g x
$'\\x6epm' i -g x
$"npm" i -g x
n""pm i -g x
if true; then npm i -g x; fi
if a; then b; elif c; then npm i -g x; else d; fi
case $1 in a) npm i -g x;; *) npm ci;; esac
until npm i -g x; do sleep 1; done
for p in x; do npm i -g $p; done
for ((i=0;i<3;i++)); do npm i -g x; done
f() { npm i -g x; }; f
f() { npm i -g x; }
function f { npm i -g "$@"; }; f x
f() { npm i -g $1; }; f x
(npm i -g x)
{ npm i -g x; }
! npm i -g x
[ -f a ] || npm i -g x
bash <<<"npm i -g x"
diff <(npm i -g x) <(true)
tee >(npm i -g x) < a
"""


@pytest.mark.parametrize("text", WRAPPED.splitlines())
def test_the_command_inside_is_seen(text: str) -> None:
    assert GLOBAL in [each.message for each in in_shell(text)]


SAID: tuple[tuple[str, int, str], ...] = (
    ("bash <<'A'\nnpm i -g x\nA", 2, GLOBAL),
    ("cat <<A | bash\nnpm i -g x\nA", 2, GLOBAL),
    ("xargs -n 1 npm i -g", 1, FLAGS),
    ("while read x; do npm i -g $x; done < list", 1, FLAGS),
    ("read A; npm $A", 1, FLAGS),
    ("npm_config_ignore_scripts=$A npm ci", 1, FLAGS),
    ("{npm,i,-g,x}", 1, "undecided: this shell text cannot be read"),
    ("A=npmx; ${A%x} i -g x", 1, "undecided: which program `${A%x} i -g x` runs is not known here"),
    ("A=NPM; ${A,,} i -g x", 1, "undecided: which program `${A,,} i -g x` runs is not known here"),
    ("A=B; B=npm; ${!A} i -g x", 1, "undecided: which program `${!A} i -g x` runs is not known here"),
    ("sudo npm_config_ignore_scripts=false npm ci", 1, SWITCHED),
    ("npm_config_ignore_scripts=false npm ci", 1, SWITCHED),
    ("env -u HOME npm_config_ignore_scripts=false npm ci", 1, SWITCHED),
    ("export npm_config_ignore_scripts=false; npm ci", 1, SWITCHED),
    ("npm_config_ignore_scripts=false; export npm_config_ignore_scripts; npm ci", 1, SWITCHED),
    ("declare -x npm_config_ignore_scripts=false; npm ci", 1, SWITCHED),
    ("set -a; npm_config_ignore_scripts=false; npm ci", 1, SWITCHED),
    ("ssh -p 22 host 'npm ci'", 1, WHERE),
    ("vagrant ssh -c 'npm ci'", 1, WHERE),
    ("su - -c 'npm ci'", 1, WHERE),
    ("chroot /mnt npm ci", 1, WHERE),
    ("docker run --env=A=1 --entrypoint npm node ci", 1, WHERE),
    ("docker compose exec web npm ci", 1, WHERE),
    ("podman run node npm ci", 1, WHERE),
    ("find . -name package.json -execdir npm ci \\;", 1, WHERE),
    ("cd - && npm ci", 1, WHERE),
    ("popd && npm ci", 1, WHERE),
    ("cd $D && npm ci", 1, WHERE),
    ("cd && npm ci", 1, OUTSIDE),
    ("cd .. && npm ci", 1, OUTSIDE),
    ("cd /srv/app && npm ci", 1, WHERE),
    ("cd /opt/app && npm ci", 1, OUTSIDE),
    ("pushd /tmp && npm ci", 1, OUTSIDE),
    ("git clone https://x.example/y.git && cd y && npm ci", 1, OUTSIDE),
    ("git clone --depth 1 git@x:a/b.git out/; cd out; npm ci", 1, OUTSIDE),
    ("git rm .npmrc && npm ci", 1, WITHOUT),
    ("rm .npmrc; npm ci", 1, WITHOUT),
    ("rm -f .*rc; npm ci", 1, WITHOUT),
    ("mv .npmrc x; npm ci", 1, WITHOUT),
    ("mv .npmrc /tmp/ && npm ci", 1, WITHOUT),
    ("cp /dev/null .npmrc; npm ci", 1, WITHOUT),
    ("cp package.json package-lock.json /tmp/ && cd /tmp && npm ci", 1, WITHOUT),
    ("find . -name .npmrc -delete && npm ci", 1, WITHOUT),
    ("find . -iname .npmrc -exec rm {} \\; ; npm ci", 1, WITHOUT),
    ("echo ignore-scripts=false | tee .npmrc; npm ci", 1, WITHOUT),
    ("cat <<A | tee .npmrc\nx=1\nA\nnpm ci", 4, WITHOUT),
    ("cat > .npmrc <<A\nx=1\nA\nnpm ci", 4, WITHOUT),
    ("echo ignore-scripts=false >> .npmrc && npm ci", 1, WITHOUT),
    ("truncate -s 0 .npmrc; npm ci", 1, WITHOUT),
    (": > .npmrc; npm ci", 1, WITHOUT),
    ("git checkout main -- .npmrc && npm ci", 1, HOLDS),
    ("git restore .npmrc; npm ci", 1, HOLDS),
    ("cp other.txt .npmrc && npm ci", 1, HOLDS),
    ("ln -s x .npmrc; npm ci", 1, HOLDS),
    ("sed -i s/true/false/ .npmrc; npm ci", 1, HOLDS),
    ("curl -o .npmrc https://x.example/; npm ci", 1, HOLDS),
)  # fmt: skip


@pytest.mark.parametrize(("text", "line", "words"), SAID, ids=[text for text, _, _ in SAID])
def test_what_stands_around_it_counts(text: str, line: int, words: str) -> None:
    found = [(each.location.line, each.message) for each in in_shell(text)]
    assert any(at == line and words in message for at, message in found), found


SAFE = """\
sudo -E npm ci
env -i npm ci
env -u npm_config_ignore_scripts npm ci
su bob -c 'npm ci'
su bob
docker run --rm -e A=1 -w /app -v $PWD:/app node npm ci
docker run --rm --mount type=bind,source=.,target=/app -w /app node npm ci
docker run node
docker build .
kubectl get pods
volta list
nix-shell --run npm
pwsh -File x.ps1
cmd /q
busybox
bash -c
bash run2.sh
command -v npm
corepack
corepack enable
corepack pnpm install
corepack use pnpm@9.1.0
find . -name .npmrc -delete
uv pip install npm
pushd /tmp && popd && npm ci
pushd sub && cd - && npm ci
cp one
cp -r sub/. . && npm ci
mkdir w && cp -r . w/ && cd w && npm ci
git clone $URL && npm ci
cat .npmrc | tee log; npm ci
echo foo=1 >> .npmrc; npm ci
trap - EXIT
alias npm='npm --foreground-scripts'; npm ci
sed s/true/false/ .npmrc; npm ci
unset npm_config_ignore_scripts; npm ci
npm_config_ignore_scripts=false; npm ci
source ./env.sh; npm ci
npm ci 2>&1 | tee log
{ npm ci; }
n{p,}m i -g x
"""


@pytest.mark.parametrize("text", SAFE.splitlines())
def test_what_changes_nothing_passes(text: str) -> None:
    assert in_shell(text) == []


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("V=latest\n[ $1 ] && V=$2\nnpx create-x@$V $3\n", ["unpinned"]),
        ("V=latest\n[ $1 ] && V=$2\nnpm i -g x@$V\n", ["scripts-run"]),
        ("npm i -g x@${V:-1.0.0} ${W:-y}\n", ["scripts-run"]),
        ("F=--no-save\n[ $1 ] && F=$2\nnpm add $F $3 $4\n", ["undecided"]),
        ("for x in a b; do npm i -g $x; done\n", ["scripts-run", "scripts-run"]),
        ("npm i -g ${V:-x@1.0.0} && npx y@latest\n", ["scripts-run", "unpinned"]),
    ],
)
def test_what_a_variable_may_be_gives_no_further_findings(text: str, codes: list[str]) -> None:
    """An error about each value that is known; where it is not known, nothing beside them."""
    assert [each.code for each in in_shell(text)] == codes
