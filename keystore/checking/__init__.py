"""Whether signatures, time-stamps and answers about revocation from anywhere are what they say."""
