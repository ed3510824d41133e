"""What every package stands on: time, chance, the database, the web. It knows no product."""
