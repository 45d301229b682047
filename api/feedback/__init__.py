"""The queue of corrections for the database."""
