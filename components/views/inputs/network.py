"""The loaded network: its blocks, the shapes that pass through them, and where its parameters are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import code, inputs
from components.gateway.inputs import architecture
from components.gateway.requests import Opened
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain

if TYPE_CHECKING:
    import pandas as pd


def draw_network(opened: list[Opened]) -> None:
    """Cost: one forward pass of this many tokens, observed by hooks."""
    one = opened[0]
    request = one.text(state.view())
    tokens = len(inputs.encode(request))
    network = architecture(request.model, tokens)
    blocks = network.block_frame()
    st.markdown(
        f"**{plain(one.name)}** · {plain(type(one.model.network).__name__)} · {network.total:,} parameters · "
        f"your text enters as {tokens} token ids"
    )
    left, right = st.columns([0.24, 0.76], gap="medium")
    left.graphviz_chart(_diagram(blocks, tokens), width="content")
    frame = network.frame()
    right.dataframe(
        frame.drop(columns="module").assign(module=network.names),
        hide_index=True,
        width="stretch",
        height=560,
        column_config={
            "block": st.column_config.TextColumn(width=96),
            "part": st.column_config.TextColumn(width=100),
            "kind": st.column_config.TextColumn(width=90),
            "input": st.column_config.TextColumn(width=105),
            "output": st.column_config.TextColumn(width=105),
            "parameters": st.column_config.NumberColumn(format="localized", width=95),
            "shared": st.column_config.CheckboxColumn(width=60),
        },
    )
    st.caption(
        "Recorded in a forward pass of the loaded network, not a stock diagram. Shapes are inputs × tokens × features "
        "per token. A dashed box shares parameters that are already counted."
    )
    kept = Kept.of("Network", code.architecture(request.model, tokens), network)
    save_and_code("network", one.name, [kept])


def _diagram(blocks: pd.DataFrame, tokens: int) -> str:
    """Graphviz source: one box per block, the input on top."""
    lines = [
        "digraph network {",
        'graph [rankdir=TB, bgcolor="transparent", ranksep=0.22];',
        'node [shape=box, style="rounded,filled", fontname="sans-serif", fontsize=11, color="#8a93a6", '
        'fillcolor="#e8edf6", fontcolor="#1d2433", margin="0.14,0.08"];',
        'edge [color="#8a93a6", fontname="sans-serif", fontsize=9, fontcolor="#8a93a6"];',
        f'n0 [label="token ids\\n1 × {tokens}"];',
    ]
    for number, block in enumerate(blocks.itertuples(), start=1):
        count = "shared" if block.shared else f"{block.parameters:,} parameters"
        dashed = ', style="rounded,filled,dashed"' if block.shared else ""
        lines.append(f'n{number} [label="{block.block}\\n{count}\\n→ {block.output}"{dashed}];')
        lines.append(f"n{number - 1} -> n{number};")
    return "\n".join([*lines, "}"])
