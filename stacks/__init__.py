"""The deployment: environments as literals, and the stacks made of them."""
