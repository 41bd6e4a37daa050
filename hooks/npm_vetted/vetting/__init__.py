"""Policy, notes, exemptions, and the resolver that decides what is vetted."""
