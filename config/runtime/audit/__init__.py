"""The record of what was decided and which key was used, in which nothing can be altered unseen."""
