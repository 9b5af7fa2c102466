"""Questions: what is changed, of which series, and how they are answered."""
