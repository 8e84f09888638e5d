"""The guarded operations, a module for each noun: its handlers and its rows of the table."""
