"""The client Rush, which installs a monorepo's projects with pnpm."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # mypy checks here that the module has all that a client needs
    from npm_vetted.clients import Client
    from npm_vetted.clients.rush import client

    IMPLEMENTS: Client = client
