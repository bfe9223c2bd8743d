"""What the package speaks of: messages, events, subscriptions, regions, credentials. Frozen values only.

Owns meaning, not form: knows nothing of bytes, sockets, clocks or files.
"""
