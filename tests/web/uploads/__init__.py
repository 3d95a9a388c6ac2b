"""Tests of web.uploads."""
