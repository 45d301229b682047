"""Corrections on their way to the database."""
