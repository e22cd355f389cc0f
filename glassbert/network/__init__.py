"""A loaded network: load it, run it, reach inside it with hooks, batch its inputs."""
