"""The data dictionary (PS3.6) and what is known of private elements."""
