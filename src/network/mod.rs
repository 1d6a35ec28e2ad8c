//! The architectures as data, the model folder, and ONNX out.
