"""Tests of workers.tasks."""
