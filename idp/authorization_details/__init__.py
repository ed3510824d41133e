"""Types of authorization details, one file each (RFC 9396): what is asked, and how it is shown."""
