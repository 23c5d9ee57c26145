"""What Roomtone does, written against ports: collect, roster, seal, tenants, rooms, sessions."""
