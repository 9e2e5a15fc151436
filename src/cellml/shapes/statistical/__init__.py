"""Statistical shape models: principal components, densities of codes, how rare a shape is, and how well all of it is known."""
