"""Where labels come from: scribbles and proofreading, traced contours, several annotators, classical recipes."""
