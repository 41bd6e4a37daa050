"""Strict readers of file formats: ambiguous input is an error."""

from npm_vetted.formats.document import Document, decode

__all__ = ["Document", "decode"]
