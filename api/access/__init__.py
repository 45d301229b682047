"""Authentication, rate limits and concurrency limits."""
