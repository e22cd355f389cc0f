"""BERT (Devlin et al. 2019, arXiv:1810.04805)."""

from __future__ import annotations

from glassbert.families._family import Family, LayerNames, Task, TaskHead

INSIDE = LayerNames(
    attention="attention.self",
    query="attention.self.query",
    key="attention.self.key",
    value="attention.self.value",
    output="attention.output.dense",
    norm="attention.output.LayerNorm",
    widen="intermediate.dense",
    feed_forward="output.dense",
    last_norm="output.LayerNorm",
)

#: One Linear on the hidden state of every token; nearly every family uses these names.
TOKEN_HEADS: dict[Task, TaskHead] = {
    "token_classification": TaskHead(("classifier",)),
    "question_answering": TaskHead(("qa_outputs",)),
}


def heads(prefix: str) -> dict[Task, TaskHead]:
    """BERT's task heads on an encoder at this path."""
    return {
        **TOKEN_HEADS,
        "classification": TaskHead((f"{prefix}.pooler.dense", "classifier")),
        "next_sentence": TaskHead(
            (f"{prefix}.pooler.dense", "cls.seq_relationship"), modules=("cls.seq_relationship",)
        ),
        "masked_words": TaskHead(
            (
                "cls.predictions.transform.dense",
                "cls.predictions.transform.LayerNorm",
                "cls.predictions.decoder",
            ),
            modules=("cls.predictions",),
        ),
    }


FAMILY = Family(
    model_type="bert",
    label="BERT",
    class_prefix="Bert",
    prefix="bert",
    pooler="pooler",
    inside=INSIDE,
    task_heads=heads("bert"),
    fused_attention=True,
    one_position=True,
)
