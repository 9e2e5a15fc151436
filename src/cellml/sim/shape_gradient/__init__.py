"""Simulated answers as differentiable functions of where the nodes of a tetrahedral mesh are.

    moving = moving_mesh(grid, made, names)                        # of the certified head: (TetMesh, points with gradient)
    time = FirstPassage(to="base|neck", regions=["neck", "head"])(*moving)
    time.log().backward()                                          # into the network that placed the nodes

`observables` are those of geometry and transport, `course` any time course of any model file, `answers` several with their failures
counted. Values are those of linear elements on the mesh; gradients are exact for these discrete equations.
"""
