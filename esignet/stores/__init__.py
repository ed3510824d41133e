"""What the signing service must remember."""
