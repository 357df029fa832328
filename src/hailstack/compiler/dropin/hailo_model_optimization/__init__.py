"""``hailo_model_optimization`` without the vendor's compiler: the few names that programs import from it."""
