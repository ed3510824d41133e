"""What a signature says that the person did (ETSI TS 119 172-1 Annex B), and how they read it."""

COMMITMENTS = {
    "1.2.840.113549.1.9.16.6.1": "You made, approved and sent the content",
    "1.2.840.113549.1.9.16.6.2": "You received the content",
    "1.2.840.113549.1.9.16.6.4": "You sent the content, which somebody else may have made",
    "1.2.840.113549.1.9.16.6.5": "You approve the content",
    "1.2.840.113549.1.9.16.6.6": "You made the content, and do not say that you approve it",
}
"""Object identifiers of RFC 5126 §5.11.1. That of delivery is for services, and not for people."""
