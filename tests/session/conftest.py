"""Properties here are the same in every run and on every machine: examples from a fixed seed, no time limit."""

from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")
