"""Load, ask the protocol, act: what happens between an endpoint and the stores."""
