"""Tests of the evaluation of the hits voice."""
