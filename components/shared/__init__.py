"""What several views draw with: the one selection, questions, charts, scores, receipts."""
