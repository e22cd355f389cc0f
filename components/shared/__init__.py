"""What several views share: the selection, questions, background jobs, charts, scores, receipts."""
