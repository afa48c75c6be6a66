"""The GraphQL schema: types, inputs, enums and their descriptions, each field bound to a resolver.

Declarations only. The few pieces of machinery are `fields` (how declarations become Strawberry's),
`errors` (how refusals become data) and `view` (how the schema meets HTTP and WebSocket).
"""
