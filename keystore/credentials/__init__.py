"""Long-term keys of people: wrapped by the token, bound to their holder, used by approval alone."""
