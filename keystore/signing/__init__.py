"""Signatures on documents, made in the key process: what was approved, and nothing else."""
