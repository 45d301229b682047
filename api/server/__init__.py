"""The running service: its app, routes and observer."""
