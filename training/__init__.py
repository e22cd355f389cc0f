"""The recipe behind the embedded checkpoints: corpus → pre-training → sentiment → one shared shard.

Each script runs as ``python -m training.NAME`` from the project's root; README.md describes the steps, the data and
what is reproducible. Reading order, by step:

    extract_corpus    raw sources → paragraphs         git_snapshots, parsing, text
    tokenise_corpus   paragraphs → word pieces         tokenised
    pretrain          masked words, next sentence      batches, pretraining_model, schedule, weight_exchange
    evaluate_pretrained, finetune_sentiment, evaluate_sentiment, share_embeddings
    smoke             the whole recipe, tiny, in seconds
"""
