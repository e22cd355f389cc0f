"""Model types that are no encoders, so that a message can say what they are."""

from __future__ import annotations

__all__ = ["DECODERS", "ENCODER_DECODERS"]

#: How the ``model_type`` of a language model that reads only to the left begins.
DECODERS = (
    *("gpt", "openai-gpt", "biogpt", "codegen", "ctrl", "opt", "bloom", "falcon", "mpt", "llama", "mistral", "mixtral"),
    *("ministral", "gemma", "phi", "qwen", "stablelm", "starcoder", "olmo", "cohere", "deepseek", "granite", "smollm"),
    *("mamba", "rwkv", "jamba", "xglm", "persimmon", "dbrx", "xlnet", "exaone", "glm", "transfo-xl"),
    *("bert-generation", "modernbert-decoder"),
)

#: How the ``model_type`` of a model that reads with an encoder and writes with a decoder begins.
ENCODER_DECODERS = (
    *("t5", "mt5", "umt5", "byt5", "longt5", "switch_transformers", "bart", "mbart", "plbart", "pegasus", "marian"),
    *("m2m_100", "nllb", "blenderbot", "led", "fsmt", "prophetnet", "bigbird_pegasus", "encoder-decoder", "whisper"),
)
