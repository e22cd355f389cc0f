"""What several views share: the selection, questions, charts, scores, receipts."""
