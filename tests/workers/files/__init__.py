"""Tests of workers.files."""
