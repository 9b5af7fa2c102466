"""What is asked of series that have a name and data that grows (issue 18, section 1)."""
