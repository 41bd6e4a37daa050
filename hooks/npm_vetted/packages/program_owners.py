"""Programs of well-known packages that have another name, for lockfiles that list no programs."""

from __future__ import annotations

from typing import Final

_OWNERS: Final = {
    "tsc": "typescript", "tsserver": "typescript", "ng": "@angular/cli",
    "vue-cli-service": "@vue/cli-service", "changeset": "@changesets/cli",
    "commitlint": "@commitlint/cli", "babel": "@babel/cli", "playwright": "@playwright/test",
    "sb": "storybook", "cap": "@capacitor/cli", "lhci": "@lhci/cli", "nest": "@nestjs/cli",
    "graphql-codegen": "@graphql-codegen/cli", "biome": "@biomejs/biome",
    "redocly": "@redocly/cli", "sentry-cli": "@sentry/cli", "vsce": "@vscode/vsce",
    "wdio": "@wdio/cli", "ncu": "npm-check-updates", "run-s": "npm-run-all",
    "run-p": "npm-run-all", "webpack": "webpack-cli", "ts-node-esm": "ts-node",
    "attw": "@arethetypeswrong/cli", "api-extractor": "@microsoft/api-extractor",
    "svelte-kit": "@sveltejs/kit", "remix": "@remix-run/dev", "react-router": "@react-router/dev",
    "panda": "@pandacss/dev", "tauri": "@tauri-apps/cli", "napi": "@napi-rs/cli",
    "renovate-config-validator": "renovate", "preconstruct": "@preconstruct/cli",
    "stryker": "@stryker-mutator/core", "electron-forge": "@electron-forge/cli",
    "eas": "eas-cli", "firebase": "firebase-tools", "size-limit": "size-limit",
}  # fmt: skip


def owner_of(program: str) -> str:
    """The package that brings a program; a program that is not known is its own package's."""
    return _OWNERS.get(program, program)
