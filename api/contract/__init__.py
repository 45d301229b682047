"""What callers see: shapes of requests and answers, errors with their codes, settings."""
