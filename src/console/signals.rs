//! Signals: leave, stop and go on, and a new size.
//!
//! What must stay true: they are heard on a thread of their own, so that a signal that ends us ends us even while the
//! console hangs; whatever ends us leaves the terminal as it was.

use std::time::Duration;

use super::terminal;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// To end, by this signal's number.
    Leave(u8),
    /// To stop, as `ctrl-z` does.
    Stop,
    /// To go on after having been stopped by somebody else.
    Continue,
    /// To look at the size again.
    Size,
}

/// If the console has not ended by itself so long after a signal, it is ended.
const GRACE: Duration = Duration::from_millis(1_500);

/// Whom to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whom {
    /// Everything that was started together with us, as `ctrl-z` does.
    Group,
    /// Ourselves.
    Us,
}

/// Ends the process if the console does not.
fn insist(code: u8) {
    // When no thread can be had the signal's sender has to try again.
    let _ = std::thread::Builder::new().name("leaving".to_owned()).spawn(move || {
        std::thread::sleep(GRACE);
        terminal::restore();
        std::process::exit(i32::from(code));
    });
}

pub(super) use self::system::{listen, stop};

#[cfg(unix)]
mod system {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::time::Duration;

    use rustix::process::{Signal as Number, getpid, getsid, kill_current_process_group, kill_process};
    use tokio::signal::unix::{Signal, SignalKind, signal};
    use tokio::sync::mpsc;

    use super::{Asked, Whom, insist};

    /// How often we were told to go on.
    static WENT_ON: AtomicU64 = AtomicU64::new(0);
    /// We stopped ourselves, and wait to go on.
    static STOPPED: AtomicBool = AtomicBool::new(false);

    /// The signals that the console answers.
    struct Signals {
        leave: Vec<(u8, Signal)>,
        stop: Signal,
        cont: Signal,
        size: Signal,
    }

    /// Begins to listen; ends when nobody takes what is asked for.
    pub(in crate::console) fn listen() -> std::io::Result<mpsc::Receiver<Asked>> {
        let (out, asked) = mpsc::channel(64);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let mut signals = {
            let _inside = runtime.enter();
            Signals::new()?
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                loop {
                    let asked = tokio::select! {
                        asked = signals.next() => asked,
                        () = out.closed() => return,
                    };
                    if out.send(asked).await.is_err() {
                        return;
                    }
                }
            });
        })?;
        Ok(asked)
    }

    impl Signals {
        fn new() -> std::io::Result<Self> {
            let mut leave = Vec::new();
            for kind in [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt(), SignalKind::quit()] {
                leave.push((u8::try_from(kind.as_raw_value()).unwrap_or(15), signal(kind)?));
            }
            Ok(Self {
                leave,
                stop: signal(SignalKind::from_raw(Number::TSTP.as_raw()))?,
                cont: signal(SignalKind::from_raw(Number::CONT.as_raw()))?,
                size: signal(SignalKind::window_change())?,
            })
        }

        async fn next(&mut self) -> Asked {
            loop {
                let leave = self.leave.iter_mut().map(|(number, signal)| {
                    Box::pin(async move {
                        signal.recv().await;
                        *number
                    })
                });
                tokio::select! {
                    (number, ..) = futures_util::future::select_all(leave) => {
                        insist(128 + number);
                        return Asked::Leave(number);
                    }
                    _ = self.stop.recv() => return Asked::Stop,
                    _ = self.size.recv() => return Asked::Size,
                    _ = self.cont.recv() => {
                        WENT_ON.fetch_add(1, Ordering::SeqCst);
                        // Our own return from a stop is seen to by whoever stopped us.
                        if !STOPPED.swap(false, Ordering::SeqCst) {
                            return Asked::Continue;
                        }
                    }
                }
            }
        }
    }

    /// Stops, and returns when it goes on. Does nothing where nobody could make us go on.
    pub(in crate::console) fn stop(whom: Whom) {
        let before = WENT_ON.load(Ordering::SeqCst);
        let leads = getsid(None).is_ok_and(|leader| leader == getpid());
        if whom == Whom::Group && leads {
            return;
        }
        STOPPED.store(true, Ordering::SeqCst);
        let sent = match whom {
            Whom::Group => kill_current_process_group(Number::STOP),
            Whom::Us => kill_process(getpid(), Number::STOP),
        };
        // The other threads may be stopped a moment before this one: it must not go on by itself meanwhile.
        let mut patience = 200;
        while sent.is_ok() && patience > 0 && WENT_ON.load(Ordering::SeqCst) == before {
            std::thread::sleep(Duration::from_millis(5));
            patience -= 1;
        }
        STOPPED.store(false, Ordering::SeqCst);
    }
}

#[cfg(not(unix))]
mod system {
    use tokio::sync::mpsc;

    use super::{Asked, Whom, insist};

    /// Begins to listen for `ctrl-break` and its like.
    pub(in crate::console) fn listen() -> std::io::Result<mpsc::Receiver<Asked>> {
        let (out, asked) = mpsc::channel(8);
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                insist(130);
                let _ = out.send(Asked::Leave(2)).await;
            }
            out.closed().await;
        });
        Ok(asked)
    }

    /// There is no stopping here.
    pub(in crate::console) fn stop(_whom: Whom) {}
}
