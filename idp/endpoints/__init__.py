"""HTTP: read, recognise, judge, act, answer; nothing else."""
