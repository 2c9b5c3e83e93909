//! The program: reads the command line, runs the command, gives its exit code.

#![forbid(unsafe_code)]

use std::process::ExitCode;

/// Fewer page faults and steadier latency than the system's allocator under many small messages.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    loopgate::cli::run()
}
