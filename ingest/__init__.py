"""How knowledge comes in: source -> capture -> document -> passages -> store, and the build of a snapshot."""
