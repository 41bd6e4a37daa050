"""What every client shares: integrity, URLs, versions, ranges, manifests, look-alikes."""
