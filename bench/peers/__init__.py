"""The peers: other ways to receive the same messages, each in an environment of its own. Imports nothing."""
