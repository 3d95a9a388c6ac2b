"""Tests of real or generated."""
