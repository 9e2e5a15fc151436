"""The sections of a model file, one a module."""
