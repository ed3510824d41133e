"""The certificate authority: certificates of signers, answers about their status, and lists."""
