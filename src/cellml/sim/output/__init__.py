"""What a simulation leaves for people and other programs: time series, figures, a movie."""
