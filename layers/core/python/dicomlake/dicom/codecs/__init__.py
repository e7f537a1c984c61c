"""Every encoder and decoder, and the proof that a stored frame is the one that came."""
