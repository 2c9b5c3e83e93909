//! The PostgreSQL backend: several replicas share the work.
