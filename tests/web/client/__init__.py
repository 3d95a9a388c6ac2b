"""Tests of web.client."""
