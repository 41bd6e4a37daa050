"""What the attack replay is made of: lockfiles of every client, and repositories to attack."""
