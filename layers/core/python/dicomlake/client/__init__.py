"""Talking to a running lake from outside: its API, its signed URLs, its packs."""
