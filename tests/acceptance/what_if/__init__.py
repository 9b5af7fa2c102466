"""What-if questions over HTTP (issue 18, section 3)."""
