"""Corrections sent by users, and the table that stores them."""
