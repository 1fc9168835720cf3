"""The client of Allowance: ask before a call to a model, and tell after it."""
