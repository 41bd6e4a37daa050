"""The client pnpm."""
