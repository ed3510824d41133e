"""HTTP of the signing service: reads, recognises, judges, acts, answers."""
