//! The gateway's metrics page, read for one number at a time.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// The sum over all label sets of one metric; nothing when the page or the metric is not there.
pub fn sum(admin: &str, metric: &str) -> Option<f64> {
    sum_in(&page(admin)?, metric)
}

/// Several at once, 0 for one that is not there.
pub fn sums<const N: usize>(admin: &str, metrics: [&str; N]) -> Option<[f64; N]> {
    let page = page(admin)?;
    Some(metrics.map(|metric| sum_in(&page, metric).unwrap_or(0.0)))
}

fn page(admin: &str) -> Option<String> {
    let mut stream = TcpStream::connect(admin).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text)
}

fn sum_in(page: &str, metric: &str) -> Option<f64> {
    let samples = page.lines().filter_map(|line| {
        let rest = line.strip_prefix(metric)?;
        rest.starts_with(['{', ' ']).then(|| rest.rsplit(' ').next()?.parse::<f64>().ok()).flatten()
    });
    samples.fold(None, |sum, sample| Some(sum.unwrap_or(0.0) + sample))
}

#[cfg(test)]
mod tests {
    use super::sum_in;

    #[test]
    fn sums_over_labels() {
        let page = "# TYPE a counter\na{x=\"1\"} 2\na{x=\"2\"} 3.5\nab 9\nb 0\n";
        assert_eq!(sum_in(page, "a"), Some(5.5));
        assert_eq!(sum_in(page, "b"), Some(0.0));
        assert_eq!(sum_in(page, "c"), None);
    }
}
