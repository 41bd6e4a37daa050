"""Files that hold commands, whole: what of them is read, from where, and on which line it is."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.installs.test_corpus import REPOSITORIES, problems

GLOBAL = "`npm i -g x` runs install scripts"
WITHOUT = "`npm ci` runs install scripts: .npmrc is not there"
OUTSIDE = "`npm ci` runs install scripts: no project"
ON = "npm_config_ignore_scripts=false switches install scripts on"
WHICH = "undecided: which program"
WHERE = "undecided: `npm ci`: where it runs"
HOLDS = "undecided: `npm ci`: what .npmrc holds"
FLAGS = "its flags are not known here"
UNSET = "undecided: npm_config_ignore_scripts is"
CALLED = "`npm i -g TARGET` runs install scripts"

CASES: dict[str, tuple[str, str, Mapping[str, str], list[tuple[int, str]]]] = {
    "exec form": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY . .
RUN ["npm", "i", "-g", "x"]
""", {}, [(4, GLOBAL)]),
    "whole copy": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY . .
RUN npm ci
""", {}, []),
    "ignored npmrc": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY . .
RUN npm ci
""", {".dockerignore": ".npm*\n"}, [(4, WITHOUT)]),
    "ignored ** npmrc": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY . .
RUN npm ci
""", {".dockerignore": "**/.npmrc\n"}, [(4, WITHOUT)]),
    "ignored **": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY . .
RUN npm ci
""", {".dockerignore": "**\n!package*.json\n"}, [(4, WITHOUT)]),
    "ignored ?": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY . .
RUN npm ci
""", {".dockerignore": "?npmrc\n"}, [(4, WITHOUT)]),
    "ignored []": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY . .
RUN npm ci
""", {".dockerignore": "[.x]npmrc\n"}, [(4, WITHOUT)]),
    "ignored [!]": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY . .
RUN npm ci
""", {".dockerignore": "[!a]npmrc\n"}, [(4, WITHOUT)]),
    "ignored and back": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY . .
RUN npm ci
""", {".dockerignore": "# c\n*\n!.npmrc\n!package*.json\n"}, []),
    "own dockerignore": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY . .
RUN npm ci
""", {"Dockerfile.dockerignore": ".npmrc\n"}, [(4, WITHOUT)]),
    "containerignore": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY . .
RUN npm ci
""", {".containerignore": ".npmrc\n"}, [(4, WITHOUT)]),
    "copy list": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY package*.json .npmrc ./
RUN npm ci
""", {}, []),
    "copy one by one": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY package.json package-lock.json ./
COPY .npmrc /app/.npmrc
RUN npm ci
""", {}, []),
    "copy elsewhere": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY package*.json ./
COPY .npmrc /tmp/
RUN npm ci
""", {}, [(5, WITHOUT)]),
    "copy parents": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY --parents package*.json .npmrc ./
RUN npm ci
""", {}, []),
    "copy exclude": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY --exclude=.npmrc . .
RUN npm ci
""", {}, [(4, WITHOUT)]),
    "copy one word": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY x
RUN npm ci
""", {}, [(4, OUTSIDE)]),
    "copy from": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY . .
FROM node AS two
WORKDIR /app
COPY --from=0 /app/package*.json /app/.npmrc ./
RUN npm ci
""", {}, []),
    "copy from without": ("Dockerfile", """\
FROM node AS one
WORKDIR /app
COPY . .
FROM node
WORKDIR /app
COPY --from=one /app/package*.json ./
RUN npm ci
""", {}, [(7, WITHOUT)]),
    "copy from folder": ("Dockerfile", """\
FROM node AS one
WORKDIR /src
COPY . .
FROM node
COPY --from=one /src /app
WORKDIR /app
RUN npm ci
""", {}, []),
    "copy from image": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY package*.json ./
COPY --from=alpine /x/.npmrc ./
RUN npm ci
""", {}, [(5, "what .npmrc holds when it runs is not known here")]),
    "from stage": ("Dockerfile", """\
FROM node AS base
WORKDIR /app
COPY . .
FROM base
RUN npm ci
""", {}, []),
    "arg base": ("Dockerfile", """\
ARG B=base
FROM node AS base
WORKDIR /app
COPY . .
FROM ${B}
RUN npm ci
""", {}, []),
    "arg off": ("Dockerfile", """\
FROM node
WORKDIR /app
ARG npm_config_ignore_scripts=false
COPY . .
RUN npm ci
""", {}, [(3, ON), (5, ON)]),
    "arg unset": ("Dockerfile", """\
FROM node
WORKDIR /app
ARG npm_config_ignore_scripts
COPY . .
RUN npm ci
""", {}, [(3, UNSET)]),
    "global arg": ("Dockerfile", """\
ARG npm_config_ignore_scripts=false
FROM node
WORKDIR /app
ARG npm_config_ignore_scripts
COPY . .
RUN npm ci
""", {}, [(4, ON), (6, ON)]),
    "env off": ("Dockerfile", """\
FROM node
WORKDIR /app
ENV npm_config_ignore_scripts=false
COPY . .
RUN npm ci
""", {}, [(3, ON), (5, ON)]),
    "env old form": ("Dockerfile", """\
FROM node
WORKDIR /app
ENV npm_config_ignore_scripts false
COPY . .
RUN npm ci
""", {}, [(3, ON), (5, ON)]),
    "env on": ("Dockerfile", """\
FROM node
WORKDIR /app
ENV npm_config_ignore_scripts=true
RUN npm i -g x
""", {}, []),
    "env quoted": ("Dockerfile", """\
FROM node
WORKDIR /app
ENV A="b c" npm_config_ignore_scripts="false"
COPY . .
RUN npm ci
""", {}, [(3, ON), (5, ON)]),
    "env escaped": ("Dockerfile", """\
FROM node
WORKDIR /app
ENV A=b\\ c npm_config_ignore_scripts=fal\\se
COPY . .
RUN npm ci
""", {}, [(3, ON), (5, ON)]),
    "env default": ("Dockerfile", """\
FROM node
WORKDIR /app
ENV npm_config_ignore_scripts=${X:-false}
COPY . .
RUN npm ci
""", {}, [(3, ON), (5, ON)]),
    "env alternative": ("Dockerfile", """\
FROM node
WORKDIR /app
ENV X=1
ENV npm_config_ignore_scripts=${X:+false}
COPY . .
RUN npm ci
""", {}, [(4, ON), (6, ON)]),
    "env literal dollar": ("Dockerfile", """\
FROM node
WORKDIR /app
ENV A=\\$B
COPY . .
RUN npm ci
""", {}, []),
    "heredoc": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY . .
RUN <<A
npm i -g x
A
""", {}, [(5, GLOBAL)]),
    "heredoc dash": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY . .
RUN <<-A
\tnpm i -g x
\tA
""", {}, [(5, GLOBAL)]),
    "heredoc shell": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY . .
RUN bash <<'A'
npm i -g x
A
""", {}, [(5, GLOBAL)]),
    "heredoc python": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY . .
RUN python3 <<A
print('npm i -g x')
A
""", {}, []),
    "copy heredoc": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY package*.json ./
COPY <<A .npmrc
ignore-scripts=true
A
RUN npm ci
""", {}, []),
    "copy heredoc folder": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY package*.json ./
COPY <<.npmrc /app/
ignore-scripts=false
.npmrc
RUN npm ci
""", {}, [(7, WITHOUT)]),
    "mount bind": ("Dockerfile", """\
FROM node
WORKDIR /app
RUN --mount=type=bind,source=package.json,target=package.json \\
    --mount=type=bind,source=package-lock.json,target=package-lock.json \\
    --mount=type=bind,source=.npmrc,target=.npmrc npm ci
""", {}, []),
    "mount bind without": ("Dockerfile", """\
FROM node
WORKDIR /app
RUN --mount=type=bind,source=package.json,target=package.json \\
    --mount=type=bind,src=package-lock.json,dst=package-lock.json npm ci
""", {}, [(4, WITHOUT)]),
    "mount whole": ("Dockerfile", """\
FROM node
WORKDIR /app
RUN --mount=type=bind,target=. npm ci
""", {}, []),
    "mount from": ("Dockerfile", """\
FROM node AS one
WORKDIR /a
COPY . .
FROM node
WORKDIR /app
RUN --mount=from=one,source=/a,target=/app npm ci
""", {}, []),
    "mount secret": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY package*.json ./
RUN --mount=type=secret,id=n,target=/app/.npmrc npm ci
""", {}, [(4, HOLDS)]),
    "mount secret home": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY . .
USER node
RUN --mount=type=secret,id=n,target=/home/node/.npmrc npm ci
""", {}, []),
    "mount cache": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY . .
RUN --mount=type=cache,target=/cache/npm npm ci
""", {}, []),
    "user": ("Dockerfile", """\
FROM node
WORKDIR /app
USER node
COPY . .
RUN cd && npm ci
""", {}, [(5, OUTSIDE)]),
    "user id": ("Dockerfile", """\
FROM node
WORKDIR /app
USER 1000:1000
COPY . .
RUN cd ~ && npm ci
""", {}, [(5, OUTSIDE)]),
    "user unknown": ("Dockerfile", """\
FROM node
WORKDIR /app
USER $U
COPY . .
RUN npm ci
""", {}, []),
    "shell": ("Dockerfile", """\
FROM mcr
SHELL ["powershell", "-Command"]
RUN npm i -g x
""", {}, [(3, GLOBAL)]),
    "shell cmd": ("Dockerfile", """\
FROM mcr
SHELL ["cmd", "/S", "/C"]
RUN npm i -g x
""", {}, [(3, GLOBAL)]),
    "shell bash": ("Dockerfile", """\
FROM node
WORKDIR /app
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN npm i -g x
""", {}, [(4, GLOBAL)]),
    "onbuild": ("Dockerfile", """\
FROM node
WORKDIR /app
ONBUILD COPY package*.json ./
ONBUILD RUN npm ci
""", {}, [(4, WITHOUT)]),
    "escape directive": ("Dockerfile", """\
# escape=`
FROM node
RUN npm i `
 -g x
""", {}, [(3, GLOBAL)]),
    "continued": ("Dockerfile", """\
FROM node
WORKDIR /app
RUN npm i \\
# comment

 -g x
""", {}, [(3, GLOBAL)]),
    "add url": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY package*.json ./
ADD https://x.example/.npmrc ./
RUN npm ci
""", {}, [(5, HOLDS)]),
    "add git": ("Dockerfile", """\
FROM node
WORKDIR /app
ADD git@x:a/b.git ./
RUN npm ci
""", {}, [(4, OUTSIDE)]),
    "cmd install": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY package*.json ./
CMD npm ci
""", {}, [(4, WITHOUT)]),
    "entrypoint": ("Dockerfile", """\
FROM node
WORKDIR /app
COPY package*.json ./
ENTRYPOINT ["npm","i","-g","x"]
""", {}, [(4, GLOBAL)]),
    "workdir var": ("Dockerfile", """\
FROM node
WORKDIR /app
WORKDIR $X
COPY . .
RUN npm ci
""", {}, [(5, WHERE)]),
    "volumes": ("Dockerfile", """\
FROM node
WORKDIR /app
VOLUME /x
EXPOSE 1
COPY . .
RUN npm ci
""", {}, []),
    "healthcheck": ("Dockerfile", """\
FROM node
WORKDIR /app
HEALTHCHECK CMD npm i -g x
""", {}, [(3, GLOBAL)]),
    "nested ctx": ("docker/Dockerfile", """\
FROM node
WORKDIR /app
COPY package.json ./
RUN npm ci
""", {}, [(4, WITHOUT)]),
    "nested ctx whole": ("docker/Dockerfile", """\
FROM node
WORKDIR /app
COPY . .
RUN npm ci
""", {}, []),
    "mk plain": ("Makefile", """\
a:
\tnpm i -g x
""", {}, [(2, GLOBAL)]),
    "mk prefixes": ("Makefile", """\
a:
\t@-npm i -g x
""", {}, [(2, GLOBAL)]),
    "mk variable": ("Makefile", """\
N = npm i -g
a:
\t$(N) x
""", {}, [(3, GLOBAL)]),
    "mk braces": ("Makefile", """\
N := npm
a:
\t${N} i -g x
""", {}, [(3, GLOBAL)]),
    "mk append": ("Makefile", """\
N = npm
N += i -g x
a:
\t$(N)
""", {}, [(4, GLOBAL)]),
    "mk default value": ("Makefile", """\
N ?= npm
a:
\t$(N) i -g x
""", {}, [(3, GLOBAL)]),
    "mk define": ("Makefile", """\
define n
npm i -g x
endef
a:
\t$(n)
""", {}, [(2, GLOBAL), (5, GLOBAL)]),
    "mk call": ("Makefile", """\
define n
\tnpm i -g $(1)
endef
a:
\t$(call n,x)
""", {}, [(2, CALLED)]),
    "mk shell function": ("Makefile", """\
X := $(shell npm i -g x)
""", {}, [(1, GLOBAL)]),
    "mk shell in recipe": ("Makefile", """\
a:
\techo $(shell npm i -g x)
""", {}, [(2, GLOBAL)]),
    "mk export": ("Makefile", """\
export npm_config_ignore_scripts = false
a:
\tnpm ci
""", {}, [(1, ON), (3, ON)]),
    "mk export later": ("Makefile", """\
npm_config_ignore_scripts = false
export npm_config_ignore_scripts
a:
\tnpm ci
""", {}, [(2, ON), (4, ON)]),
    "mk export all": ("Makefile", """\
npm_config_ignore_scripts = false
export
a:
\tnpm ci
""", {}, [(4, ON)]),
    "mk target specific": ("Makefile", """\
a: export npm_config_ignore_scripts = false
a:
\tnpm ci
""", {}, [(1, ON), (3, ON)]),
    "mk target specific plain": ("Makefile", """\
a: N = npm i -g x
a:
\t$(N)
""", {}, [(3, GLOBAL)]),
    "mk one line rule": ("Makefile", """\
a: ; npm i -g x
""", {}, [(1, GLOBAL)]),
    "mk one line rule deps": ("Makefile", """\
a: b ; npm i -g x
""", {}, [(1, GLOBAL)]),
    "mk continued": ("Makefile", """\
a:
\tnpm i \\
\t  -g x
""", {}, [(2, GLOBAL)]),
    "mk continued var": ("Makefile", """\
N = npm i \\
  -g x
a:
\t$(N)
""", {}, [(4, GLOBAL)]),
    "mk oneshell": ("Makefile", """\
.ONESHELL:
a:
\tcd /tmp
\tnpm ci
""", {}, [(4, OUTSIDE)]),
    "mk lines are shells": ("Makefile", """\
a:
\tcd /tmp
\tnpm ci
""", {}, []),
    "mk cd and": ("Makefile", """\
a:
\tcd /tmp && npm ci
""", {}, [(2, OUTSIDE)]),
    "mk conditional": ("Makefile", """\
ifeq ($(A),b)
a:
\tnpm i -g x
else
b:
\tnpm ci
endif
""", {}, [(3, GLOBAL)]),
    "mk include": ("Makefile", """\
include x.mk
a:
\tnpm ci
""", {}, []),
    "mk recipe prefix": ("Makefile", """\
.RECIPEPREFIX = >
a:
> npm i -g x
""", {}, [(3, GLOBAL)]),
    "mk dollar": ("Makefile", """\
a:
\tfor p in x; do npm i -g $$p; done
""", {}, [(2, GLOBAL)]),
    "mk comment": ("Makefile", """\
# npm i -g x
a:
\t# npm i -g x
\tnpm ci
""", {}, []),
    "mk patsubst": ("Makefile", """\
N = $(patsubst %.x,%,npm.x)
a:
\t$(N) i -g y
""", {}, [(3, WHICH)]),
    "mk unknown": ("Makefile", """\
a:
\t$(X) i -g npm
""", {}, [(2, WHICH)]),
    "mk foreach": ("Makefile", """\
a:
\t$(foreach p,x y,npm i -g $(p);)
""", {}, [(2, FLAGS)]),
    "mk if function": ("Makefile", """\
a:
\t$(if $(X),npm i -g x)
""", {}, [(2, GLOBAL)]),
    "mk crlf": ("Makefile", """\
a:\r
\tnpm i -g x\r
""", {}, [(2, GLOBAL)]),
    "mk below": ("tools/Makefile", """\
a:
\tnpm ci
""", {}, []),
    "mk SHELL": ("Makefile", """\
SHELL = /bin/bash
a:
\tnpm i -g x
""", {}, [(3, GLOBAL)]),
    "mk multi recipes": ("Makefile", """\
a: b

\tnpm i -g x
""", {}, [(3, GLOBAL)]),
    "mk override": ("Makefile", """\
override N = npm
a:
\t$(N) i -g x
""", {}, [(3, GLOBAL)]),
    "just plain": ("justfile", """\
a:
  npm i -g x
""", {}, [(2, GLOBAL)]),
    "just at": ("justfile", """\
a:
  @npm i -g x
""", {}, [(2, GLOBAL)]),
    "just var": ("justfile", """\
n := 'npm i -g'
a:
  {{n}} x
""", {}, [(3, GLOBAL)]),
    "just var dq": ("justfile", """\
n := "npm"
a:
  {{ n }} i -g x
""", {}, [(3, GLOBAL)]),
    "just parameter": ("justfile", """\
a p:
  npm i -g {{p}}
""", {}, [(2, FLAGS)]),
    "just default": ("justfile", """\
a p='x':
  npm i -g {{p}}
""", {}, [(2, GLOBAL)]),
    "just shebang": ("justfile", """\
a:
  #!/usr/bin/env bash
  cd /tmp
  npm ci
""", {}, [(4, OUTSIDE)]),
    "just shebang node": ("justfile", """\
a:
  #!/usr/bin/env node
  npm ci
""", {}, []),
    "just export": ("justfile", """\
export npm_config_ignore_scripts := 'false'
a:
  npm ci
""", {}, [(1, ON), (3, ON)]),
    "just backtick": ("justfile", """\
x := `npm i -g x`
a:
  echo
""", {}, [(1, GLOBAL)]),
    "just continued": ("justfile", """\
a:
  npm i \\
    -g x
""", {}, [(2, GLOBAL)]),
    "just settings": ("justfile", """\
set shell := ['bash', '-c']
set dotenv-load
a:
  npm i -g x
""", {}, [(4, GLOBAL)]),
    "just windows": ("justfile", """\
set windows-shell := ['powershell.exe', '-c']
a:
  npm i -g x
""", {}, [(3, GLOBAL)]),
    "just comment": ("justfile", """\
# npm i -g x
a:
  # npm i
  npm ci
""", {}, []),
    "just attr": ("justfile", """\
[private]
a:
  npm i -g x
""", {}, [(3, GLOBAL)]),
    "just alias": ("justfile", """\
alias b := a
a:
  npm i -g x
""", {}, [(3, GLOBAL)]),
    "just import": ("justfile", """\
import 'x.just'
mod y
a:
  npm ci
""", {}, []),
    "just lines": ("justfile", """\
a:
  cd /tmp
  npm ci
""", {}, []),
    "just concat": ("justfile", """\
n := 'np' + 'm'
a:
  {{n}} i -g npm
""", {}, [(3, WHICH)]),
    "just if expr": ("justfile", """\
n := if os() == 'linux' { 'npm' } else { 'pnpm' }
a:
  {{n}} i -g x
""", {}, [(3, WHICH)]),
    "just triple": ("justfile", """\
a := '''
 npm i -g x
'''
b:
  {{a}}
""", {}, [(5, GLOBAL)]),
    "just env": ("justfile", """\
a $npm_config_ignore_scripts='false':
  npm ci
""", {}, [(1, ON), (2, ON)]),
    "gh matrix": (".github/workflows/a.yml", """\
jobs:
  a:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        pm: [npm, pnpm]
        include:
          - pm: yarn
    steps:
      - uses: actions/checkout@v4
      - run: ${{ matrix.pm }} i -g x
""", {}, [(11, GLOBAL), (11, '`pnpm i -g x` runs install scripts: outside a')]),
    "gh matrix object": (".github/workflows/a.yml", """\
jobs:
  a:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        p:
          - {name: npm, v: 1}
    steps:
      - uses: actions/checkout@v4
      - run: ${{ matrix.p.name }} i -g x
""", {}, [(10, GLOBAL)]),
    "gh matrix unknown": (".github/workflows/a.yml", """\
jobs:
  a:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        pm: ${{ fromJSON(x) }}
    steps:
      - uses: actions/checkout@v4
      - run: npm ${{ matrix.pm }}
""", {}, [(9, FLAGS)]),
    "gh env expression": (".github/workflows/a.yml", """\
jobs:
  a:
    runs-on: ubuntu-latest
    env:
      PM: npm
    steps:
      - uses: actions/checkout@v4
      - run: ${{ env.PM }} i -g x
""", {}, [(8, GLOBAL)]),
    "gh quoted expression": (".github/workflows/a.yml", """\
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: ${{ 'npm' }} i -g x
""", {}, [(6, GLOBAL)]),
    "gh inputs": (".github/workflows/a.yml", """\
on:
  workflow_dispatch:
    inputs:
      pm:
        default: npm
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: ${{ inputs.pm }} i -g x
      - run: ${{ github.event.inputs.pm }} i -g y
""", {}, [(11, GLOBAL), (12, '`npm i -g y` runs install scripts: outside a ')]),
    "gh workspace": (".github/workflows/a.yml", """\
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: cd ${{ github.workspace }} && npm ci
      - run: cd ${{ runner.temp }} && npm ci
""", {}, [(7, OUTSIDE)]),
    "gh secret": (".github/workflows/a.yml", """\
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: npm ${{ secrets.X }}
""", {}, [(6, FLAGS)]),
    "gh cypress": (".github/workflows/a.yml", """\
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: cypress-io/github-action@v6
      - uses: cypress-io/github-action@v6
        with: {install: false}
""", {}, []),
    "gh actions-yarn": (".github/workflows/a.yml", """\
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: borales/actions-yarn@v5
        with: {cmd: global add x}
""", {}, [(6, '`yarn global add x` runs install scripts: out')]),
    "gh no checkout": (".github/workflows/a.yml", """\
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: npm ci
""", {}, [(5, OUTSIDE)]),
    "gh off": (".github/workflows/a.yml", """\
jobs:
  a:
    runs-on: ubuntu-latest
    env:
      npm_config_ignore_scripts: false
    steps:
      - uses: actions/checkout@v4
      - run: npm ci
""", {}, [(5, ON), (8, ON)]),
    "az script": ("azure-pipelines.yml", """\
steps:
- script: npm i -g x
""", {}, [(2, GLOBAL)]),
    "az variable": ("azure-pipelines.yml", """\
variables:
  PM: npm
steps:
- script: $(PM) i -g x
""", {}, [(4, GLOBAL)]),
    "az variable list": ("azure-pipelines.yml", """\
variables:
- name: PM
  value: npm
- group: g
steps:
- script: $(pm) i -g x
""", {}, [(6, GLOBAL)]),
    "az parameter": ("azure-pipelines.yml", """\
parameters:
- name: pm
  default: npm
steps:
- script: ${{ parameters.pm }} i -g x
""", {}, [(5, GLOBAL)]),
    "az variable expression": ("azure-pipelines.yml", """\
variables:
  PM: npm
steps:
- script: ${{ variables.pm }} i -g x
""", {}, [(4, GLOBAL)]),
    "az env": ("azure-pipelines.yml", """\
steps:
- script: npm ci
  env:
    npm_config_ignore_scripts: 'false'
""", {}, [(2, ON), (4, ON)]),
    "az pwsh": ("azure-pipelines.yml", """\
steps:
- pwsh: npm i -g x
- powershell: npm i -g x
- bash: npm i -g x
""", {}, [(2, GLOBAL), (3, GLOBAL), (4, GLOBAL)]),
    "az task npm": ("azure-pipelines.yml", """\
steps:
- task: Npm@1
  inputs:
    command: custom
    customCommand: install -g x
""", {}, [(5, '`npm install -g x` runs install scripts: outs')]),
    "az task npm ci": ("azure-pipelines.yml", """\
steps:
- task: Npm@1
  inputs:
    command: ci
    workingDir: sub
""", {"sub/a.js": ""}, []),
    "az task yarn": ("azure-pipelines.yml", """\
steps:
- task: Yarn@3
  inputs:
    arguments: global add x
- task: Yarn@3
""", {}, [(4, '`yarn global add x` runs install scripts: out')]),
    "az task bash": ("azure-pipelines.yml", """\
steps:
- task: Bash@3
  inputs:
    targetType: inline
    script: npm i -g x
- task: PowerShell@2
  inputs:
    script: npm i -g x
- task: CmdLine@2
  inputs:
    script: npm i -g x
""", {}, [(5, GLOBAL), (8, GLOBAL), (11, GLOBAL)]),
    "az folder": ("azure-pipelines.yml", """\
steps:
- script: npm ci
  workingDirectory: /tmp
- script: npm ci
  workingDirectory: $(Build.SourcesDirectory)
- script: npm ci
  workingDirectory: ${{ parameters.x }}
""", {}, [(2, OUTSIDE), (6, WHERE)]),
    "az off": ("azure-pipelines.yml", """\
variables:
  npm_config_ignore_scripts: false
steps:
- script: npm ci
""", {}, [(2, ON), (4, '`npm ci`: NPM_CONFIG_IGNORE_SCRIPTS=false swi')]),
    "lefthook run": ("lefthook.yml", """\
pre-commit:
  jobs:
    - name: a
      run: npm i -g x
      root: sub
""", {}, [(4, GLOBAL)]),
    "lefthook env": ("lefthook.yml", """\
pre-commit:
  commands:
    a:
      run: npm ci
      env:
        npm_config_ignore_scripts: 'false'
""", {}, [(4, ON), (6, ON)]),
    "pwd": ("run.sh", """\
cd $(pwd) && npm ci
""", {}, []),
    "dirname": ("run.sh", """\
cd $(dirname /tmp/x) && npm ci
""", {}, [(1, OUTSIDE)]),
    "dirname0": ("run.sh", """\
cd "$(dirname "$0")" && npm ci
""", {}, []),
    "cd pwd": ("run.sh", """\
cd "$(cd "$(dirname "$0")" && pwd)" && npm ci
""", {}, []),
    "realpath": ("run.sh", """\
cd $(realpath .) && npm ci
""", {}, []),
    "toplevel": ("run.sh", """\
cd $(git rev-parse --show-toplevel) && npm ci
""", {}, []),
    "two in $()": ("run.sh", """\
cd $(a; b) && npm ci
""", {}, [(1, WHERE)]),
    "redirected $()": ("run.sh", """\
cd $(pwd 2>/dev/null) && npm ci
""", {}, []),
    "alt": ("run.sh", """\
A=x; npm i ${A:+-g} x
""", {}, [(1, GLOBAL)]),
    "alt unset": ("run.sh", """\
npm i ${A:+-g} x
""", {}, [(1, GLOBAL)]),
    "must": ("run.sh", """\
A=-g; npm i ${A:?no} x
""", {}, [(1, GLOBAL)]),
    "must unset": ("run.sh", """\
npm i ${A:?no} x
""", {}, [(1, FLAGS)]),
    "strip": ("run.sh", """\
A=/tmp/x; cd ${A%/*} && npm ci
""", {}, [(1, OUTSIDE)]),
    "ansi bad": ("run.sh", """\
$'\\xZZnpm' i -g x
""", {}, [(1, WHICH)]),
    "escaped": ("run.sh", """\
n\\pm i -g x
""", {}, [(1, GLOBAL)]),
    "subscript": ("run.sh", """\
A=(npm pnpm); ${A[0]} i -g x
""", {}, [(1, WHICH)]),
    "length": ("run.sh", """\
npm ${#A} i -g x
""", {}, [(1, FLAGS)]),
    "dangerous": ("run.sh", """\
npm_config_dangerously_allow_all_scripts=true npm ci
""", {}, [(1, '`npm ci`: npm_config_dangerously_allow_all_sc')]),
    "allow": ("run.sh", """\
npm_config_allow_scripts=x npm ci
""", {}, [(1, '`npm ci`: npm_config_allow_scripts=x switches')]),
    "approve pending": ("run.sh", """\
npm approve-scripts --allow-scripts-pending
""", {}, []),
    "install-scripts": ("run.sh", """\
npm install-scripts approve x
""", {}, [(1, '`npm install-scripts approve x` lets packages')]),
    "init scope": ("run.sh", """\
npm init @a
npm init @a@1
npm init @a/b
""", {}, [(1, 'runs @a/create:'), (2, 'runs @a/create@1:'), (3, 'runs @a/create-b:')]),
}  # fmt: skip


@pytest.mark.parametrize(("path", "text", "files", "expected"), CASES.values(), ids=CASES)
def test_a_file(
    path: str, text: str, files: Mapping[str, str], expected: list[tuple[int, str]]
) -> None:
    found = problems(path, {**REPOSITORIES["npm"], **files, path: text})
    said = [(each.location.line, each.message) for each in found]
    assert len(said) == len(expected), said
    for (line, message), (at, words) in zip(said, expected, strict=True):
        assert (line, words in message) == (at, True), said


def test_an_image_under_a_program_s_name_is_no_program() -> None:
    assert problems("fake.js", {"fake.js": b"\x89PNG\0\xff npm install"}) == []
