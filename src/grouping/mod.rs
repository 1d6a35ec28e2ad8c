//! From embeddings to instances: mean-shift, instance class, block merging.
