"""Allowance: who may spend how much on AI models. See docs/ and README.md at the root of the
repository.
"""
