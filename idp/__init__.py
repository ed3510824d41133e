"""The OpenID provider: who a resident is, told to the relying parties that they choose."""
