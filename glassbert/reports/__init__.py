"""Reports: one HTML file about one answer, for people who were not there, and all that is needed to compute it again.

``report`` computes everything and keeps it in a ``Report``, a result like the others. Its ``html`` is made from what it
holds alone: the same report gives the same file, and nothing is computed when it is drawn.

Reading order: ``findings`` (what a report holds), ``passports`` (which model, which versions), ``weighing`` (what a
text of this length allows); then what is made from the findings: ``limits``, ``script`` (the Python that computes it
again), and the document: ``markup``, ``summary``, ``sections/`` (the evidence, one file per subject), ``page``. The
``Report`` in ``results`` puts the two together, and ``composing`` computes one (``report``).
"""

from glassbert.reports.composing import report
from glassbert.reports.findings import ModelIdentity, Passport
from glassbert.reports.passports import identity_of
from glassbert.reports.results import Report

__all__ = ["ModelIdentity", "Passport", "Report", "identity_of", "report"]
