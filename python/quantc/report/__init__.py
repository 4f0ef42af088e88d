"""The HTML report: one file that needs nothing beside it, also when printed."""
