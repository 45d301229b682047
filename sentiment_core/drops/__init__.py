"""Turn an S3 object into validated columns: listing, opening, decompression, CSV, drop contract. Uses no database."""
