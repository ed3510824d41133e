"""The Cloud Signature Consortium API, v2.2 and v1.0.4.0: what is asked, answered and refused."""
