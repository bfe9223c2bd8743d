"""The command line: commands, what they show, and the status they end with. No logic of its own."""
