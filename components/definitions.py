"""The Definitions page: formula, paper and limits of every number on screen."""

from __future__ import annotations

import streamlit as st

from components import compute
from components.text import plain

__all__ = ["draw_definitions"]

_ATTENTION = r"""
A head compares a *query* made from each token with a *key* made from every token, and a softmax turns the comparison
into weights:

$$A_{ij} = \mathrm{softmax}_j\!\left(\frac{q_i \cdot k_j}{\sqrt{d}}\right), \qquad \sum_j A_{ij} = 1$$

Row $i$ of the heatmap says where token $i$ takes its new value from. The weights are the stock model's own, in float32,
with no dropout. The small map shows every head on one scale, darkness growing with $\sqrt{A_{ij}}$.

**What it does not say.** What is carried over is a *value* vector, which may be small; and a later layer may ignore it. A
large weight is not a large effect. (Vaswani et al. 2017; Jain & Wallace 2019; Kobayashi et al. 2020)
"""

_MASKED = r"""
One token is replaced by [MASK] and the model names what could stand there, from a softmax over its whole vocabulary:

$$p(w) = \frac{e^{z_w}}{\sum_{v} e^{z_v}}$$

The *rank* of the original is one more than the number of words with a larger logit $z$. (Devlin et al. 2019)

**What it does not say.** What is true. The number is a statement about training texts.
"""

_CLASS = r"""
A classifier's probabilities are a softmax over its labels' logits (one sigmoid a label for a multi-label model). Next
sentence is the same with two labels, read at [CLS]. An extracted answer's probability is $p_\text{start}(i)\, p_\text{end}(j)$
over the tokens of text B, $i \le j$.

**What it does not say.** Whether the answer is right: a network can be sure and wrong.
"""

_SALIENCY = r"""
$F$ is the logit of what is explained: a class, a word at a mask, or "B follows A". $x_i$ is the word embedding of token $i$,
before positions and LayerNorm are added.

| method | score of token $i$ |
|---|---|
| gradient saliency | $\lVert \partial F / \partial x_i \rVert_2$ |
| input × gradient | $x_i \cdot \partial F / \partial x_i$ |
| integrated gradients | $(x_i - x'_i) \cdot \int_0^1 \frac{\partial F}{\partial x_i}\big(x' + \alpha (x - x')\big)\, d\alpha$ |
| attention relevance | row of [CLS], or of the mask, in $R$, where $R \leftarrow R + \overline{(\nabla A \odot A)^{+}}\, R$ layer by layer |

Integrated gradients start from the text with [PAD] in place of every word ($x'$; special tokens stay) and use
Gauss-Legendre steps, doubled from 8 until the sum of the scores misses $F(x) - F(x')$ by less than 1 % or 256 steps are
reached; the panel states the miss.

**What it does not say.** *The* reason. Methods disagree, and so do baselines; look at two before you believe one.
"""


def draw_definitions() -> None:
    """One section a picture, then the methods as they declare themselves."""
    for title, text in (
        ("Attention weights", _ATTENTION),
        ("Masked words", _MASKED),
        ("Classes, next sentence, answers", _CLASS),
        ("Saliency", _SALIENCY),
    ):
        st.subheader(title, anchor=False)
        st.markdown(text)
    st.dataframe(
        [
            {
                "Method": method.label,
                "A score says": method.meaning,
                "Signed": method.signed,
                "Adds up": method.complete,
                "Forward passes, 24 tokens": method.cost(24, method.options),
                "Paper": method.paper,
            }
            for method in compute.methods().values()
        ],
        hide_index=True,
        width="stretch",
    )
    st.caption(
        plain(
            "Passes are inputs sent through the network, backward passes not counted. Everything is computed from the "
            "open model and your text when the page is drawn; nothing is looked up."
        )
    )
