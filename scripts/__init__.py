"""What is run beside the product: set-up, files that are made from others, a proof of the compose file."""
