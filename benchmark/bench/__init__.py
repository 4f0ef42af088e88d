"""Our code beside the libraries that a user would pick instead, on the same work, in one run.

``./dev bench`` runs ``bench.__main__``; docs/Benchmark.md says what is measured and how. Modules
that a worker imports need nothing beyond NumPy, because each peer has an environment of its own.
"""
