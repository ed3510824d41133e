"""Signatures of documents: the key service signs what people approved, everything else is here."""
