"""The embedded stack: the whole system on one machine, for demonstrations and for the tests."""
