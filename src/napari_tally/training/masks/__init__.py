"""Fine-tuning of networks that return masks, with objects that may overlap."""
