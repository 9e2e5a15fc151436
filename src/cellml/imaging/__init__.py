"""What microscopes do wrong, and the classical repairs."""
