"""What the pages read: one module a page. Each opens `database.reading`, and bounds what it reads."""
