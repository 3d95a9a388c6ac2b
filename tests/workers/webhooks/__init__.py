"""Tests of workers.webhooks."""
