"""Providers that come with this package. Each is an entry-point plugin, loaded like a stranger's."""
