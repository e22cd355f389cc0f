"""Model types that are not encoders, so that a message can say what they are."""

from __future__ import annotations

__all__ = ["BUILT_IN", "DECODERS", "ENCODER_DECODERS"]

#: Prefixes of the ``model_type`` of decoder-only (left-to-right) language models.
DECODERS = (
    *("gpt", "openai-gpt", "biogpt", "codegen", "ctrl", "opt", "bloom", "falcon", "mpt", "llama", "mistral", "mixtral"),
    *("ministral", "gemma", "phi", "qwen", "stablelm", "starcoder", "olmo", "cohere", "deepseek", "granite", "smollm"),
    *("mamba", "rwkv", "jamba", "xglm", "persimmon", "dbrx", "exaone", "glm", "transfo-xl"),
    *("bert-generation", "modernbert-decoder"),
)

#: Prefixes of the ``model_type`` of encoder-decoder models.
ENCODER_DECODERS = (
    *("t5", "mt5", "umt5", "byt5", "longt5", "switch_transformers", "bart", "mbart", "plbart", "pegasus", "marian"),
    *("m2m_100", "nllb", "blenderbot", "led", "fsmt", "prophetnet", "bigbird_pegasus", "encoder-decoder", "whisper"),
)

#: Encoders that are not supported and that transformers has built in: for those, code in the repository of a model is
#: a copy from before, not what keeps it from being opened.
BUILT_IN = (
    *("big_bird", "bros", "canine", "convbert"),
    *("esm", "eurobert", "flaubert", "fnet", "funnel", "ibert", "jina_embeddings_v3"),
    *("layoutlm", "lilt", "longformer", "luke", "markuplm", "mra"),
    *("nystromformer", "perceiver", "rembert", "roberta-prelayernorm"),
    *("splinter", "squeezebert", "xlm", "xlnet", "xmod", "yoso"),
)
