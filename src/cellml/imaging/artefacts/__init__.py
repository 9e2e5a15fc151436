"""Image errors as deterministic functions of an image and of physical parameters, and random transforms that draw the parameters."""
