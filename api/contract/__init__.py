"""The service's contract: schemas, OpenAPI document, errors and settings."""
