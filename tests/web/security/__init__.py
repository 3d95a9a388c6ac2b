"""Tests of web.security."""
