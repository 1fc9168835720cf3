"""LiteLLM without code: its generic guardrail before a call, its generic log after it.

Owns what LiteLLM's messages mean. Does not own decisions or the ledger. Invariants: a call holds
money once, whatever id its caller gives it, and each of its logs counts once. Read in LiteLLM
1.110.2 (`generic_guardrail_api`, `generic_api_callback`, `get_standard_logging_object_payload`).
"""
