//! What /proc tells of a process: processor time, memory, open files. Zero where there is no /proc.

use std::fs;

/// Kernel ticks a second, as Linux shows them in /proc.
const TICKS_PER_SECOND: f64 = 100.0;
const PAGE_BYTES: f64 = 4096.0;

/// Processor seconds used so far by the process.
pub fn cpu_secs(pid: u32) -> f64 {
    let ticks = |at: usize| stat(pid, at).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}

/// Resident memory in MiB.
pub fn resident_mib(pid: u32) -> f64 {
    stat(pid, 21).unwrap_or(0.0) * PAGE_BYTES / (1024.0 * 1024.0)
}

/// The most it ever had resident, in MiB.
pub fn peak_mib(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|value| value.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// The fields of /proc/PID/stat after the name, counted from 0.
fn stat(pid: u32, at: usize) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    text.rsplit_once(')')?.1.split_whitespace().nth(at)?.parse().ok()
}

/// The load average over one minute.
pub fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|value| value.parse().ok()).unwrap_or(0.0)
}
