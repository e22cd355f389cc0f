"""Tables of labelled texts: read from files or from memory, with every row that cannot be used named.

    train = gb.read_table("train.csv")
    train.kind, len(train), train.label_names, train.bad_rows

Reading order: ``contents`` (what a table holds), ``files`` (bytes → lines of text), ``delimited`` (lines → cells),
``on_board`` (the sets that ship), ``records`` (one reader for each form of a table), ``columns`` (which column is
what), ``cells``, ``labels`` (cells → texts and labels), ``reading``; ``shortcuts``; ``giveaways``, ``report_making``.
"""

from glassbert.tables.contents import BadRow, Kind, Table
from glassbert.tables.on_board import SETS, SetOnBoard
from glassbert.tables.reading import read_table
from glassbert.tables.report_making import data_report
from glassbert.tables.report_results import DataReport
from glassbert.tables.shortcuts import plant_shortcut

__all__ = [
    "SETS",
    "BadRow",
    "DataReport",
    "Kind",
    "SetOnBoard",
    "Table",
    "data_report",
    "plant_shortcut",
    "read_table",
]
