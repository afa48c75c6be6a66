"""The fast path of execution beside graphql-core's own."""
