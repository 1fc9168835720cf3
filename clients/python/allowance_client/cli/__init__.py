"""The command `allowance`: budgets, spend, tokens, prices and usage from a shell.

Owns the words of the command line: its arguments, tables, texts and exit codes. It does not own
HTTP, which `transport` has. It needs the extra `[cli]`.
"""
