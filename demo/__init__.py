"""The embedded stack: the whole system on one machine, for a walk through it and for the tests."""
