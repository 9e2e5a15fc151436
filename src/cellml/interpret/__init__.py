"""Networks that explain themselves: a declared hierarchy of subsystems as the network's structure, and what each subsystem is worth."""
