"""Texts that reveal a purpose: tokens, files with credentials, wallets, hosts that receive data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from npm_vetted.review.signals.facts import Mark
from npm_vetted.review.signals.search import ScriptText, near, starting_with

_TELLS: Final[dict[str, tuple[tuple[bytes, bytes], ...]]] = {
    "token-shape": (
        (b"gh", rb"\bgh[pousr]_(?:[A-Z\[\\({]|\w{20})"),
        (b"github_pat_", b""),
        (b"npm_", rb"\bnpm_(?:[\[\\({]|[A-Za-z0-9]{36})"),
        (b"AKIA", rb"\bAKIA(?:[\[\\({]|[0-9A-Z]{16})"),
        (b"xox", rb"\bxox[bp]-"),
        (b"sk-ant-", b""),
        (b"glpat-", b""),
        (b"BEGIN ", rb"BEGIN (?:RSA |OPENSSH |EC )?PRIVATE KEY"),
    ),
    "cred-path": (
        (b".npmrc", rb"\.npmrc\b"),
        (b".aws", rb"\.aws[/\\]{1,2}credentials"),
        (b".git-credentials", b""),
        (b".ssh", rb"\.ssh[/\\'\"`]"),
        (b"id_", rb"\bid_(?:rsa|ed25519|ecdsa)\b"),
        (b".netrc", rb"\.netrc\b"),
        (b".docker", rb"\.docker[/\\]{1,2}config"),
        (b"wallet.dat", b""),
        (b".config", rb"\.config[/\\]{1,2}gcloud"),
        (b"Login Data", b""),
        (b".kube", rb"\.kube[/\\]{1,2}config"),
        (b"/proc/self/", rb"/proc/self/(?:mem|environ|maps)"),
        (b".bash_history", b""),
        (b".zsh_history", b""),
        (b".gnupg", b""),
        (b"key4.db", b""),
        (b"logins.json", b""),
        (b".pypirc", b""),
        (b"Local Extension Settings", b""),
        (b"auth", rb"auth['\"`],\s{0,9}['\"`]token['\"`]"),
        (b"gh auth", rb"\bgh auth token\b"),
        (b"print-access-token", b""),
        (b"-generic-password", b""),
        (b"trufflehog", b""),
        (b"exodus.wallet", b""),
        (b"nkbihfbeogaeaoehlefnkodbefgpgknn", b""),
        (b"bfnaelmomeimhlpmgjnjophhpkkoljpa", b""),
        (b"Local Storage", rb"Local Storage[/\\]{1,2}leveldb"),
    ),
    "env-file": ((b".env", rb"(?<=['\"`/\\])\.env['\"`]"),),
    "cloud-metadata": (
        (b"169.254.169.254", b""),
        (b"metadata.google.internal", b""),
        (b"169.254.170.2", rb"169\.254\.170\.2\b"),
        (b"100.100.100.200", b""),
        (b"client-secrets-manager", b""),
        (b"SecretManagerServiceClient", b""),
    ),
    "exfil-host": tuple(
        (word, b"")
        for word in (
            b"pastebin.com", b"webhook.site", b"discord.com/api/webhooks", b"discordapp.com/api/webhooks",
            b"api.telegram.org", b"oastify.com", b".oast.", b"burpcollaborator", b"interact.sh",
            b"pipedream.net", b"requestbin", b".ngrok.io", b"ngrok-free.app", b"transfer.sh", b"rentry.co",
            b"hastebin", b"gist.githubusercontent", b"trycloudflare.com", b".icp0.io", b"//file.io",
            b"0x0.st", b"anonfiles", b"gofile.io", b"temp.sh", b"termbin.com", b"paste.ee", b"dnslog.cn",
            b"beeceptor.com", b"requestcatcher", b"getsession.org", b"bashupload", b"catbox.moe",
        )
    ),
    "ip-url": (
        (
            b"http",
            (rb"https?://(?!127\.|0\.0\.0\.0|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|1\.2\.3\.4"
            rb"|255\.|169\.254\.)\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\d.])"),
        ),
        (b"http", rb"https?://\[(?!::1?\])[0-9a-fA-F:.]{3,45}\]"),
        (b"http", rb"https?://(?:0x[0-9a-fA-F]{8}|\d{8,10})(?=[/:?'\"`])"),
    ),
    "shell-fetch": (
        (b"curl ", rb"\bcurl\s[^\n'\"`]{0,200}(?:\|\s?(?:ba|z)?sh\b|\s-o\b|https?:)"),
        (b"wget ", rb"\bwget\s[^\n'\"`]{0,100}https?:"),
        (b"Invoke-", rb"Invoke-(?:WebRequest|Expression)"),
        (b"certutil", rb"\bcertutil(?:\.exe)?\s{1,5}-urlcache"),
        (b"bitsadmin", b""),
        (b"powershell", rb"powershell(?:\.exe)?\s{1,5}-"),
        (b"DownloadString", b""),
        (b"DownloadFile", b""),
        (b"mshta", rb"\bmshta\b"),
        (b"|", rb"\|\s{0,3}(?:ba|z)?sh\b\s{0,3}['\"`]"),
        (b"base64 ", rb"base64\s{1,3}(?:-d|-D|--decode)"),
    ),
    "persist": (
        (b".bashrc", rb"\.bashrc\b"),
        (b".zshrc", rb"\.zshrc\b"),
        (b".profile", rb"(?<=['\"`/])\.profile\b"),
        (b".bash_profile", rb"(?<=['\"`/])\.bash_profile\b"),
        (b"crontab", rb"\bcrontab\b"),
        (b"systemctl", rb"\bsystemctl\b"),
        (b"LaunchAgents", b""),
        (b"CurrentVersion", rb"CurrentVersion\\{1,2}Run"),
        (b"schtasks", b""),
        (b"authorized_keys", b""),
        (b".config/autostart", b""),
        (b".claude/settings", b""),
        (b".vscode/tasks.json", b""),
        (b".github/workflows/", b""),
        (b".git/hooks", b""),
        (b"NODE_OPTIONS", rb"NODE_OPTIONS\b[^\n]{0,60}?--(?:require|import|loader|experimental-loader)\b"),
        (b"LD_PRELOAD", rb"LD_PRELOAD\b"),
        (b"DYLD_INSERT", b""),
        (b"core.hooksPath", b""),
        (b".insteadOf", b""),
        (b"config", rb"config['\"`],\s{0,9}['\"`]set['\"`],\s{0,9}['\"`](?:registry|script-shell|node-options)\b"),
        (b"npm config set", rb"npm config set (?:registry|script-shell|node-options)\b"),
        (b".github", rb"\.github['\"`],\s{0,9}['\"`]workflows\b"),
        (b".vscode", rb"\.vscode['\"`],\s{0,9}['\"`](?:tasks|settings)\.json"),
        (b".claude", rb"\.claude['\"`],\s{0,9}['\"`]settings"),
        (b"config.sh", rb"config\.sh['\"`]?,?\s[^\n]{0,40}--url\b"),
    ),
    "wipes": (
        (b"rm ", rb"\brm -[rRf]{1,3} (?:--no-preserve-root )?(?:/|~|\$HOME)(?=['\"`\s;*]|/\*)"),
        *(
            (word, rb"rm(?:Sync|dirSync)?\(\s{0,9}['\"`](?:/|~|[A-Z]:\\{1,2})['\"`]")
            for word in (b"rm(", b"rmSync(", b"rmdirSync(")
        ),
        (b"rd ", rb"\brd /s /q\b"),
        (b"del ", rb"\bdel /[fsq] /[fsq]\b"),
        (b"cipher /w", b""),
    ),
    "publish": (
        (b"npm publish", b""),
        (b"/-/npm/v1/", rb"/-/npm/v1/(?:tokens|user)"),
        (b"/-/whoami", b""),
        (b"npm token", rb"\bnpm token\b"),
        (b"npm whoami", b""),
        (b"bypass_2fa", b""),
        (b"npm", rb"npm['\"`],\s{0,9}\[\s{0,9}['\"`](?:publish|token|whoami)\b"),
        (b"_authToken", b""),
    ),
    "ai-cli": (
        (b"--dangerously-skip-permissions", b""),
        (b"--yolo", rb"--yolo\b"),
        (b"--trust-all-tools", b""),
        (b"--dangerously-bypass-approvals", b""),
        (b"--allow-all-tools", b""),
        (b"bypassPermissions", b""),
        (b"--full-auto", rb"--full-auto\b"),
        *((word, rb"(?:exec|spawn)\w{0,12}\(\s{0,9}['\"`](?:claude|gemini|codex|cursor-agent|opencode|aider)\b")
          for word in (b"exec", b"spawn")),
    ),
    "wallet": (
        (b"eth_", rb"\beth_(?:sendTransaction|requestAccounts|sign|signTypedData\w{0,3}|accounts)\b"),
        (b"personal_sign", b""),
        (b"signAndSendTransaction", b""),
        (b"signAllTransactions", b""),
        (b"0x095ea7b3", b""),
        (b"0xa9059cbb", b""),
        (b"0xa22cb465", b""),
        (b"0x23b872dd", b""),
        (b"setApprovalForAll", b""),
        (b"wallet_sendCalls", b""),
    ),
    "wallet-hook": (
        (b"eip6963:", b""),
        (b"window.", rb"\bwindow\.(?:ethereum|solana|phantom|tronWeb|keplr)\b"),
        (
            b"ethereum",
            rb"\bethereum\s{0,5}\.\s{0,5}request\b|(?<=['\"])ethereum['\"]\s{0,5}[\])]",
        ),
    ),
    "wallet-address": (
        (b"0x", rb"(?<=['\"`])0x(?!0{38})[0-9a-fA-F]{40}['\"`]"),
        (b"0x", rb"0x\[[0-9a-fA-F-]{6,9}\]\{40\}|0x\[0-9a-f\]\{40\}"),
        (b"(bc1", b""),
        (b"bc1[", b""),
        (b"bc1", rb"(?<=['\"`])bc1[02-9ac-hj-np-z]{38,58}['\"`]"),
        *((quote + b"T", quote + rb"T[1-9A-HJ-NP-Za-km-z]{33}['\"`]") for quote in (b"'", b'"', b"`")),
    ),
}  # fmt: skip
"""By tell: words, and where a word alone is not enough, the pattern of what starts with it."""
_COMPILED: Final = {
    name: [(word, re.compile(pattern or re.escape(word))) for word, pattern in ways]
    for name, ways in _TELLS.items()
}
_SECRET: Final = re.compile(
    rb"[sS]ecret_?[kK]ey|SECRET_?KEY|[pP]rivate_?[kK]ey|PRIVATE_?KEY|[mM]nemonic|[sS]eed_?[pP]hrase|[kK]ey_?[pP]air"
    rb"|[wW]allet|[pP]assphrase|[pP]assword|[aA]pi_?[kK]ey|API_?KEY|[aA]ccess_?[tT]oken|[aA]uth_?[tT]oken"
    rb"|[cC]redential|\bseed\b"
)
_OF_ENVIRONMENT: Final = re.compile(rb"process\.env(?!\.NODE_ENV\b)")
_SECRET_WORDS: Final = (
    b"secret", b"Secret", b"SECRET", b"private", b"Private", b"PRIVATE", b"mnemonic", b"Mnemonic",
    b"seed", b"Seed", b"key", b"Key", b"wallet", b"Wallet", b"pass", b"Pass", b"api", b"Api", b"API",
    b"access", b"Access", b"auth", b"Auth", b"credential", b"Credential",
)  # fmt: skip
"""What a match of ``_SECRET`` starts with."""
_HOST: Final = re.compile(
    rb"(?:https?|wss?|ftp)://(?:[\w%.-]{1,64}(?::[^\s@/'\"`]{0,64})?@)?"
    rb"([A-Za-z0-9\x80-\xff][A-Za-z0-9.\x80-\xff-]{0,252})"
)
_BARE_HOST: Final = re.compile(rb"""['"`]//([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,6})/""")
_NAMED_HOST: Final = re.compile(
    rb"""\b(?:host(?:name)?|servername)\s{0,9}:\s{0,9}['"`]\.?([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,6})['"`]"""
)
_ENDING: Final = re.compile(
    rb"""['"`][\w-]{0,40}\.((?:[a-z0-9-]{1,63}\.){1,6}(?:com|net|org|io|dev|xyz|top|site|online|app|live|fun|pro|me|co|cc|ru|cn|info|invalid|cloud|sh|pw|tk|club|space|store|link|click))['"`]"""
)
_CALLED: Final = re.compile(
    rb"""\.(?:connect|lookup|resolve\w{0,9}|createConnection|request|get)\(\s{0,9}(?:\d{1,5},\s{0,9})?['"`]([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,6}\.?[a-z]{2,20})['"`]"""
)
_CALLS: Final = (
    b".connect(",
    b".lookup(",
    b".resolve",
    b".createConnection(",
    b".request(",
    b".get(",
)
_PLACES: Final = 300
_HOSTS: Final = 300
InComment = Callable[[int], bool]


def find_tells(source: ScriptText, in_comment: InComment) -> Iterator[tuple[str, Mark]]:
    """Each tell with its first place that is in no comment, and its words there."""
    data = source.data
    for name, ways in _COMPILED.items():
        places = (
            _first(starting_with(pattern, source, word), in_comment)
            for word, pattern in ways
            if source.may_have(word)
        )
        found = next(filter(None, places), None)
        if found is not None:
            said = found.group()[:60].strip(b"'\"` \r\n")
            line = data.count(b"\n", 0, found.start()) + 1
            yield name, Mark(line, said.decode("utf-8", errors="replace"))
    handled = _first(starting_with(_SECRET, source, *_SECRET_WORDS), in_comment) or _first(
        starting_with(_OF_ENVIRONMENT, source, b"process.env"), in_comment
    )
    if handled is not None:
        line = data.count(b"\n", 0, handled.start()) + 1
        yield "secrets", Mark(line, handled.group().decode("ascii"))


def _first(matches: Iterator[re.Match[bytes]], in_comment: InComment) -> re.Match[bytes] | None:
    for tries, match in enumerate(matches):
        if tries >= _PLACES or not in_comment(match.start()):
            return match
    return None


def find_hosts(source: ScriptText, in_comment: InComment) -> dict[str, int]:
    """The hosts that a file names outside of comments, with their lines."""
    data = source.data
    found: dict[str, int] = {}
    tries = 0
    for match in _host_places(source):
        name = match[1].decode("utf-8", errors="replace").lower().rstrip(".")
        if name in found:
            continue
        if len(found) >= _HOSTS:
            break
        tries += 1
        if tries > _PLACES * 10 or not in_comment(match.start()):
            found[name] = data.count(b"\n", 0, match.start()) + 1
    return found


def _host_places(source: ScriptText) -> Iterator[re.Match[bytes]]:
    """Addresses first, then what is named as a host in some other way."""
    yield from near(_HOST, source, b"://", before=5, after=400)
    yield from starting_with(_BARE_HOST, source, b"'//", b'"//', b"`//")
    yield from starting_with(_NAMED_HOST, source, b"host", b"servername")
    yield from _ENDING.finditer(source.data)
    yield from starting_with(_CALLED, source, *_CALLS)
