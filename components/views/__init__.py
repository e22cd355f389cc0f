"""One folder per page: its sections, and what only they need."""
