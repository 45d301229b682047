"""Services that the API is compared with."""
