"""Concepts that all clients share: integrity, URLs, versions, ranges, manifests, look-alikes."""
