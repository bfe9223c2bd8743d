"""What touches a socket or a clock: connections, shared budgets, and the supervisor that owns successive sessions."""
