"""The directory in the schema: `types` are what it holds, `acts` how it changes."""
