"""The only door to the library: what is computed, kept and shared between visitors."""
