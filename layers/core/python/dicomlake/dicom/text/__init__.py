"""Character sets and names (PS3.5 6.1, 6.2.1): from the bytes of a text to what it says."""
