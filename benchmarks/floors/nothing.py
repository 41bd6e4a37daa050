"""What the interpreter alone costs."""
