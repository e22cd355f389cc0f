"""Fine-tuning: train a model on a table of labelled texts, and see how good it is and what it learned."""
