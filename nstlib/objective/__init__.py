"""What both methods minimise: the frozen extractor, the terms of the loss, and their sum."""
