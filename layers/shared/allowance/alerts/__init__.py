"""Spend alerts: what each says, who receives it, and its delivery until every receiver has it.

Owns `ai_spend_alerts` after it is written; the statement that records usage raises the alerts.
Each receiver has its own timestamp column, and gets each alert at least once.
Receivers recognize a repeated alert by its id. One receiver never waits for another.
"""
