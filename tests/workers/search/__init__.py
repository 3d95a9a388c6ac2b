"""Tests of workers.search."""
