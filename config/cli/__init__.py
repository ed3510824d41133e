"""The command line: ``symbolon VERB``."""
