"""Networks: torch modules from (B, C, Z, Y, X) images to logits of the same size."""
