"""The command line `sentiment`: one module a verb."""
