"""The certified mesh head: from values on the vertices of a tetrahedral grid to conforming, labelled tetrahedra.

A body-centred grid (`grid`) is moved by a flow that never turns a tetrahedron over (`flow`, `floor`), its vertices are warped off the
surfaces (`standoff`) and its tetrahedra are cut between the labels of their corners (`templates`, `cells`, `placed`, `cut`): every
compartment's boundary is closed and manifold whatever the values are, and no dihedral angle falls below a limit (`relaxed`). `certified`
is the result as a `TetMesh` with its certificate.
"""
