"""Where frames lie, what their pixels mean, and which transfer syntax they are stored in."""
