"""A network's way from ONNX to HEF in the steps and states of the vendor's ``ClientRunner``.

``parsing`` → ``effects`` (what the model script asks for) → ``optimising`` → ``packing``; ``contexts`` computes the
network as it stands at each step. ``client`` ties them to the vendor's names, which :mod:`hailstack.compiler.dropin`
re-exports where programs look for them.
"""
