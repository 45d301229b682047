"""What customers say about each aspect of a product, such as its price or its delivery."""
