"""Ways to bring a backchannel request to the person whom it names: one file each."""
