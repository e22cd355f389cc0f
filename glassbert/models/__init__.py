"""Finding, vetting and fetching the files of a model; nothing here needs torch."""
