"""Allowance: limits of spend on AI models. See README.md and docs/ in the repository."""
