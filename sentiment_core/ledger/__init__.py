"""What PostgreSQL knows of files and models: source files, claims, quarantine, erasure, retention, verification."""
