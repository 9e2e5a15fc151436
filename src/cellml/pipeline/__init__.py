"""From an image to the posterior of a physical answer, step by step, each step's artefacts in a folder of its own.

01_image: the image as it is segmented, and how noisy it is. 02_segmentation: the committee's labels, probabilities and doubts, and the
objects that are followed. 03_samples: label volumes drawn from noise, networks, doubts and thresholds. 04_meshes: a mesh of each object
in each sample. 05_answers: a model solved in each mesh. 06_posterior: the answer's distribution, and which step its variance comes from.
"""
