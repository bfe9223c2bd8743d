"""From the bytes of a session to the user's code: the stages in order, the fan-out, the counters."""
