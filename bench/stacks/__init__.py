"""The stacks: programs that each receive the same messages in their own way. Imports nothing."""
