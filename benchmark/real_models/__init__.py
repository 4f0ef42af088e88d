"""Models as people have them, each with data of this machine: for the tests and for ``./dev bench``.

``suite.make`` writes one and returns what is needed to quantize it and to say how good it is.
Modules that need more than NumPy import it where they make a model, because a package or a file
may be missing: then they raise ``MissingError``.
"""
