"""The guard: instructions of the hot path, counted and compared with those that are stored. Imports nothing."""
