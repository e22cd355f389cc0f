"""A loaded network: load it, run it, hook into it, batch its inputs."""
