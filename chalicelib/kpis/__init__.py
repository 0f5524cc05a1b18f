"""How well promises were kept: figures of a depot's day, derived from what happened and from nothing else."""
