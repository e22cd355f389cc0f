"""The runs of fine-tuning: their folders, the process that trains, the queue in front of it, and how far it is."""
