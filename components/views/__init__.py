"""One folder a page: its sections, and what only they need."""
