"""Volumes, labels, uncertainty and meshes shown: in napari, or in a browser by Neuroglancer."""
