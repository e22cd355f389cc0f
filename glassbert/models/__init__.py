"""Find, validate and download the files of a model; nothing here needs torch."""
