"""From an object in S3 to validated columns: listing, opening, decompressing, CSV, the drop contract. No database."""
