"""From images to objects, and from labelled images to models: generators that yield steps."""
