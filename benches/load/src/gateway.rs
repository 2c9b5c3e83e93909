//! The gateway as a child process: started, waited for until it says that it is ready, ended in either way.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

const READY_WITHIN: Duration = Duration::from_secs(60);
const STOPPED_WITHIN: Duration = Duration::from_secs(60);

/// A running gateway. Dropping it kills it.
pub struct Gateway {
    child: Child,
    pub pid: u32,
    pub mllp: SocketAddr,
    pub admin: Option<String>,
    pub ready_after: Duration,
}

impl Gateway {
    /// Runs `program serve ARGUMENTS…` in a process group of its own; its talk is appended to the file at `log`.
    pub fn start(program: &str, arguments: &[String], log: &Path) -> Result<Self, String> {
        let talk =
            File::options().create(true).append(true).open(log).map_err(|e| format!("{}: {e}", log.display()))?;
        let started = Instant::now();
        let mut child = Command::new(program)
            .arg("serve")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(talk)
            .process_group(0)
            .spawn()
            .map_err(|error| format!("{program}: {error}"))?;
        match Self::wait_until_ready(&mut child) {
            Ok(ready) => Self::from_ready(child, &ready, started.elapsed()),
            Err(reason) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(format!("{reason}; what it said is in {}", log.display()))
            }
        }
    }

    fn wait_until_ready(child: &mut Child) -> Result<Value, String> {
        let output = child.stdout.take().ok_or("its output is not piped")?;
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut lines = BufReader::new(output).lines();
            let _ = sender.send(lines.next());
            lines.for_each(drop);
        });
        match receiver.recv_timeout(READY_WITHIN) {
            Ok(Some(Ok(line))) => {
                serde_json::from_str(&line).map_err(|_| format!("its ready line is not JSON: {line}"))
            }
            Ok(_) => Err("the gateway ended before it was ready".to_owned()),
            Err(_) => Err(format!("the gateway was not ready within {} s", READY_WITHIN.as_secs())),
        }
    }

    fn from_ready(child: Child, ready: &Value, ready_after: Duration) -> Result<Self, String> {
        let mllp = ready["mllp"].as_object().and_then(|feeds| feeds.values().next()).and_then(Value::as_str);
        let address = mllp.and_then(|text| text.parse().ok()).ok_or("the ready line names no MLLP address")?;
        let admin = ready["admin"].as_str().map(str::to_owned);
        Ok(Self { pid: child.id(), child, mllp: address, admin, ready_after })
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to drain and waits for its end.
    pub fn stop(mut self) -> Result<(), String> {
        let _ = Command::new("kill").args(["-TERM", &self.pid.to_string()]).status();
        let asked = Instant::now();
        while asked.elapsed() < STOPPED_WITHIN {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(format!("the gateway ended with {status} when asked to drain")),
                _ => thread::sleep(Duration::from_millis(5)),
            }
        }
        Err(format!("the gateway did not end within {} s of SIGTERM", STOPPED_WITHIN.as_secs()))
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
