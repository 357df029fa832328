"""A field of flowers to try everything on: rendered pictures with their truth, and a detector that finds the flowers.

Nothing here is needed to run a model of your own; it is what ``hailstack demo`` shows, and what tests and training
scripts use when they want pictures whose content is known exactly.
"""
