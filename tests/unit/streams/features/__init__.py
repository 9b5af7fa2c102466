"""What is known beside a series."""
