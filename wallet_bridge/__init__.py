"""Credentials for wallets, and wallets as proof. The room is reserved; nothing stands here yet."""
