"""The promotion gate: policy, behavioural tests, verdict, alias moves and their history."""
