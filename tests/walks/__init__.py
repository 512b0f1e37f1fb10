"""What random walks on the test driver are made of; see `walk`."""
