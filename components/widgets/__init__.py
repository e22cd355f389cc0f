"""Custom components: one folder each, a typed wrapper with its scripts and styles."""
