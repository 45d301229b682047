"""Languages: identify the language of each text from its letters and its first words (docs/languages.md)."""
