"""Pictures of plain data: token strips and maps as HTML or SVG, charts as Plotly figures.

The lowest folder of the library: it handles sequences of strings and arrays, and knows nothing of models or results.
Text is escaped once, in `markup`; all colours are in `palette`; no picture runs a script or loads anything. One file
per kind of picture: `tokens`, `maps`; `bars`, `lines`, `matrices`, `dots` (these four import Plotly when called).
"""
