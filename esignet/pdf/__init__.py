"""PDF work in processes of its own, where a hostile document can hurt nobody else."""
