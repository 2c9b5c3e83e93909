//! What is PostgreSQL's own: statements against the schema, plans, and replicas beside each other.
