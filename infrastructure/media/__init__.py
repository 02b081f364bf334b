"""Media: bytes of attachments, got over HTTP without being turned against us, told by their content, and kept sealed.

Reading order: `addresses` (where we go), `guarded_get` (how), `content_type` (what it is), `places` and `sealed_store`
(where it is kept, and how). May import application and domain.
"""
