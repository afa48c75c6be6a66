"""The live calendar over graphql-transport-ws."""
