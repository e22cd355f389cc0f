"""Pictures of plain data: token strips and maps as HTML or SVG, charts as Plotly figures.

The lowest folder of the library: it knows sequences of strings and arrays, and nothing of models or results. Text is
escaped once, in `markup`; colours come from one place, `palette`; no picture runs a script or fetches anything. One
file a kind of picture: `tokens`, `maps`; `bars`, `lines`, `matrices`, `dots` (these four import Plotly when called).
"""
