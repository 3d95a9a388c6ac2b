"""Tests of workers.owners."""
