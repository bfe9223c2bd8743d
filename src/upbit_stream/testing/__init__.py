"""Trying things without the network and without waiting: virtual time, and the stand-in exchange in memory."""
