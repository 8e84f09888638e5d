"""A stateful Stripe-compatible server for demo, tests and users' own tests."""
