"""Runs the GoogleTest binaries in the same lit run as the other tests."""

import lit.formats

config.name = "quantc-unit"
config.test_format = lit.formats.GoogleTest(".", "Tests")
config.test_exec_root = config.build_root + "/test/Unit"
config.test_source_root = config.test_exec_root
config.suffixes = []
