"""Tests of workers.uploads."""
