"""The ways to make a cluster, one module each. Nothing outside `wavetank.cluster` imports them by name."""
