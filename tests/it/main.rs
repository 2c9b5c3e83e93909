//! The one integration binary: the fences around the sources, and the service as a whole. One module per behaviour.

mod configurations;
mod documented;
mod layers;
mod support;
mod tidy;
