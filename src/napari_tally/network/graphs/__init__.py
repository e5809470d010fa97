"""Networks as stored graphs: plain layers of torch, without importing MONAI."""
