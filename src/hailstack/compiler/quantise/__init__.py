"""From a float network and pictures to integers."""
