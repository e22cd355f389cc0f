"""Whole data sets: predicted, explained and checked into a result folder, and the questions to ask of it.

``folder`` is what both sides share: what such a folder holds. ``job`` writes one; the other modules read it.
"""
