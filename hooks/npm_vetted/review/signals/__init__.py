"""Signals: what the code of a version newly does. Facts of each file are compared and weighed.

``weighing.compare_packages`` is a pure function of one or two tarballs' files and of
``table.TABLE_VERSION``. The facts are read in another process (``reader.FactsReader``), since the
files are hostile. That process imports neither the network nor the comparison.
"""
