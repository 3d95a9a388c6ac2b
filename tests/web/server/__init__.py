"""Tests of web.server."""
