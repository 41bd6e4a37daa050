"""Strict readers of the formats that projects are written in: what is ambiguous is an error."""

from npm_vetted.formats.document import Document, decode

__all__ = ["Document", "decode"]
