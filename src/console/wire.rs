//! The bytes that go to the terminal: frames written whole, and everything else at once.
//!
//! What must stay true: no lock is taken that a panicking thread could hold; a terminal that is gone is an error, one
//! that does not read cannot hold up leaving for ever. Only this module writes to the terminal.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A frame is being written; leaving must close the synchronised update first.
static IN_FRAME: AtomicBool = AtomicBool::new(false);

const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// Collects a frame; flushing does nothing, so that a frame leaves in one piece.
#[derive(Clone, Default)]
pub(super) struct Frame(Arc<Mutex<Vec<u8>>>);

impl io::Write for Frame {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Frame {
    /// Writes what was collected, inside a synchronised update.
    pub(super) fn commit(&self) -> io::Result<()> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_empty() {
            return Ok(());
        }
        let mut whole = Vec::with_capacity(held.len() + BEGIN.len() + END.len());
        whole.extend_from_slice(BEGIN);
        whole.append(&mut held);
        whole.extend_from_slice(END);
        drop(held);
        IN_FRAME.store(true, Ordering::SeqCst);
        let done = write(&whole);
        IN_FRAME.store(false, Ordering::SeqCst);
        done
    }

    /// Throws away what was collected: the frame was not finished.
    pub(super) fn discard(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// What must be written before anything else when leaving in the middle of a frame.
pub(super) fn frame_end() -> &'static [u8] {
    if IN_FRAME.load(Ordering::SeqCst) { b"\x1b[0m\x1b[?2026l" } else { b"" }
}

/// Writes everything. Waits for a terminal that is slow; fails on one that is gone.
#[cfg(unix)]
pub(super) fn write(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(rustix::stdio::stdout(), bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => {
                wait_writable(None);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Writes a few bytes unless the terminal takes none for a quarter of a second.
#[cfg(unix)]
pub(super) fn write_or_give_up(bytes: &[u8]) {
    // So few bytes fit wherever there is room for any.
    for piece in bytes.chunks(128) {
        if !wait_writable(Some(250)) || write(piece).is_err() {
            return;
        }
    }
}

/// Whether the terminal takes bytes within so many milliseconds.
#[cfg(unix)]
fn wait_writable(ms: Option<i64>) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdout = rustix::stdio::stdout();
    let mut fds = [PollFd::new(&stdout, PollFlags::OUT)];
    let timeout = ms.map(|ms| Timespec { tv_sec: ms / 1000, tv_nsec: (ms % 1000) * 1_000_000 });
    match poll(&mut fds, timeout.as_ref()) {
        Ok(ready) => ready > 0,
        Err(error) => error == rustix::io::Errno::INTR,
    }
}

#[cfg(not(unix))]
pub(super) fn write(bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

#[cfg(not(unix))]
pub(super) fn write_or_give_up(bytes: &[u8]) {
    let _ = write(bytes);
}
