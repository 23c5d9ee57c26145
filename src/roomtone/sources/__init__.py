"""Sources: wire bytes → facts. Pure and total: any bytes give facts or one Refused."""
