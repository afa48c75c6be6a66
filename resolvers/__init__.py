"""Between the wire and the services: ids and cursors off and on the wire, batched loads.

Each resolver calls one service or one loader and returns rows as they are. Nothing here opens a
session, decides a permission or raises a GraphQL error.
"""
