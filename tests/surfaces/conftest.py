from __future__ import annotations

import numpy as np
import pytest
import trimesh

from cellml.types import Surface


class Shapes:
    """Surfaces made by code, outward oriented, in nm."""

    def sphere(self, radius=100.0, centre=(0, 0, 0), subdivisions=3):
        made = trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius)
        return Surface(np.asarray(made.vertices) + centre, np.asarray(made.faces), name="sphere")

    def box(self, edge=100.0, centre=(0, 0, 0), subdivisions=2):
        made = trimesh.creation.box((edge,) * 3)
        for _ in range(subdivisions):
            made = made.subdivide()
        return Surface(np.asarray(made.vertices) + centre, np.asarray(made.faces), name="box")

    def torus(self, major=100.0, minor=40.0, sections=(60, 30)):
        made = trimesh.creation.torus(major, minor, major_sections=sections[0], minor_sections=sections[1])
        return Surface(np.asarray(made.vertices), np.asarray(made.faces), name="torus")

    def cylinder(self, radius=50.0, height=300.0, around=48, along=40):
        """An open tube around z, with rows of nearly equilateral triangles."""
        angle, z = np.meshgrid(2 * np.pi * np.arange(around) / around, np.linspace(0, height, along + 1))
        angle = angle + (np.arange(along + 1) % 2)[:, None] * np.pi / around
        vertices = np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=-1).reshape(-1, 3)
        faces = []
        for row in range(along):
            for k in range(around):
                a, b = row * around + k, row * around + (k + 1) % around
                c, d = a + around, b + around
                faces += [[a, b, c], [b, d, c]] if row % 2 == 0 else [[a, d, c], [a, b, d]]
        return Surface(vertices, np.array(faces), name="tube")

    def joined(self, *surfaces):
        starts = np.cumsum([0, *(len(s.vertices) for s in surfaces)])
        faces = [s.faces + start for s, start in zip(surfaces, starts, strict=False)]
        return Surface(np.concatenate([s.vertices for s in surfaces]), np.concatenate(faces), name="joined")

    def inside_out(self, surface):
        return Surface(surface.vertices, surface.faces[:, ::-1], name=surface.name)

    def soup(self, surface):
        """Every face with corners of its own, as in an STL file."""
        return Surface(surface.vertices[surface.faces].reshape(-1, 3), np.arange(surface.faces.size).reshape(-1, 3), name="soup")


@pytest.fixture
def shapes():
    return Shapes()
