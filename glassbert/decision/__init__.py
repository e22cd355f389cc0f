"""The heart of the library: F, the value of one decision on one input, as a function that can be asked."""
