"""The only access to the library: what is computed, cached and shared between users."""
