"""Lightning modules: what is learned, and from which targets."""
