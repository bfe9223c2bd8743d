"""Between bytes and values: requests, the four formats, the token of private streams.

Pure functions and decoders. Knows nothing of sockets, clocks and sessions.
"""
