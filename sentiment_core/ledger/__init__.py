"""State of files and models in PostgreSQL: source files, claims, quarantine, erasure, retention, verification."""
