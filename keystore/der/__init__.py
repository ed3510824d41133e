"""DER (X.690) as cryptographic messages and time-stamps need it: a writer, a strict reader."""
