"""Laws learned inside the simulator: free in form, bound by physics, with their uncertainty."""
