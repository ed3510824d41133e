"""What the signing service does with a request: load, ask the protocol, act."""
