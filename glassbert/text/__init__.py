"""Text, tokens and words: what a model reads, and which characters each token covers."""
