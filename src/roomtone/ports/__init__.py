"""What the services need from the world, as Protocols whose prose is the contract."""
