"""Pictures of plain data: token strips as HTML, charts as Plotly figures, and all of them as drawings for files.

The lowest folder of the library: it handles sequences of strings and arrays, and knows nothing of models or results.
Text is escaped once, in `markup`; all colours are in `palette`; no picture runs a script or loads anything. One file
per kind of picture: `tokens`, `maps`; `bars`, `lines`, `matrices`, `dots` (these four import Plotly when called). A
drawing is SVG that knows its size (`drawing`): beside `tokens` and `maps` there are `bar_drawings`, `line_drawings`,
`grid_drawings`, `dot_drawings` and `table_drawings`.
"""
