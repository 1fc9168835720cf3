"""Who may do what: nouns and verbs (policy), roles as data, the rule (authorize), system actors.
Pure.
"""
