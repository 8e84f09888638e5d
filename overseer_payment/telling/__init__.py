"""Telling applications what happened: inside the recording transaction, and after it through an outbox."""
