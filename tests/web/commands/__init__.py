"""Tests of web.commands."""
