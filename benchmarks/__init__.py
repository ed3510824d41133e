"""What Symbolon costs, beside the floor and beside npm's oidc-provider, as ratios of one run."""
