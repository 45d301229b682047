"""The web pages, with their templates and static files."""
