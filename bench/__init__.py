"""The benchmark: this client beside its peers, and beside the least that receiving can cost.

Imports nothing: a stack of another library runs in an environment of its own, and takes `bench.measure` from here.
"""
