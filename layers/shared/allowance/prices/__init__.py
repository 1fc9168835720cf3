"""What a model costs: terms, names, cost, custom prices and held changes.

Owns the price book and its routes; `seeding` brings in the default prices. Does not record usage.
Invariants: prices are whole micro-units of US dollars per million tokens; no price is overwritten,
each change is a new version; an unknown price is null, never 0.
"""
