"""What the integration tests stand on: certificates, servers, peers, and the program under test."""
