"""Differentiable operations on triangle meshes, in plain torch: CPU and GPU, float32 and float64.

`batch` holds several meshes at once and `topology` who is joined to whom; `sampling`, `neighbours`, `chamfer`, `point_mesh` compare
shapes; `geometry`, `curvature`, `laplacians` describe them; `regularisers` keep them fair; `graph_convolution`,
`subdivision`, `unpooling`, `feature_pooling` are layers of mesh networks; `smoothing` is Taubin's filter; `cubify` and
`marching_tetrahedra` make meshes. Where pytorch3d is importable, `backend` puts it behind the same functions.
"""
