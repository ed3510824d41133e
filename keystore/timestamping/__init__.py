"""The time-stamp authority (RFC 3161, ETSI EN 319 422): what existed when, signed."""
