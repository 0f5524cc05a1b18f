"""What surrounds the product: its AWS resources, the sandbox that runs all of it on one machine, the demo."""
