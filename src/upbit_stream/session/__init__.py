"""The decisions of a session: what is wanted, when to ping, when to give up, how long to wait.

Pure: time and randomness are arguments, nothing here waits or touches a socket.
"""
