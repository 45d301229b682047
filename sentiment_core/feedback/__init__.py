"""Corrections that users send, and the table that stores them."""
