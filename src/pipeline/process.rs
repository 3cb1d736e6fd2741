//! This process -> its CPU time and its memory so far.

use std::time::Duration;

/// CPU time of all threads so far.
#[must_use]
pub fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Highest resident memory so far, bytes; not known where /proc is not there.
#[must_use]
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_grow() {
        let before = cpu_time();
        let bytes = vec![1_u8; 1 << 22];
        assert_eq!(bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>(), 1 << 22);
        assert!(cpu_time() > before && peak_memory().is_none_or(|peak| peak > 1 << 22));
    }
}
