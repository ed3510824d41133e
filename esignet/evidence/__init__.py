"""What shows later that a signature was good when it was made."""
