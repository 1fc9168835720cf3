"""What vendors counted beside what the ledger has.

Owns the reports of vendors (`ai_vendor_usage`) and their comparison with the sums of usage. Does
not change usage or prices. Invariants: names are compared by the rules of the price book alone; a
figure that no report has is unknown, never 0; and what vendors counted, the differences and what no
report covers add up to the ledger exactly.
"""
