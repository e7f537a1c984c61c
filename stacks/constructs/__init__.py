"""What the stacks are made of: each construct takes values by keyword and looks nothing up."""
