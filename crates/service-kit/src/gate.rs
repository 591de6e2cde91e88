//! A gate through which every task of a group runs, so that a test can make it stand still as a frozen process does.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

/// Lets tasks run, or none of them: time goes on meanwhile, and what fell due is found when the gate opens again.
/// Clones are the same gate. Programs have none; it is how simulations stop an instance.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<Mutex<Position>>);

#[derive(Debug, Default)]
struct Position {
    closed: bool,
    waiting: Vec<Waker>,
}

/// A task behind a gate.
pub(crate) struct Gated<F> {
    gate: Gate,
    work: Pin<Box<F>>,
}

impl Gate {
    /// Lets nothing through any more.
    pub fn close(&self) {
        self.0.lock().closed = true;
    }

    /// Lets everything through again.
    pub fn open(&self) {
        let waiting = {
            let mut position = self.0.lock();
            position.closed = false;
            std::mem::take(&mut position.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Whether nothing passes.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.lock().closed
    }

    /// Runs `work` only while the gate is open.
    pub(crate) fn guard<F: Future>(&self, work: F) -> Gated<F> {
        Gated { gate: self.clone(), work: Box::pin(work) }
    }
}

impl<F: Future> Future for Gated<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        {
            let mut position = self.gate.0.lock();
            if position.closed {
                // Who is woken often while the gate is closed need not wait more than once.
                if !position.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
                    position.waiting.push(cx.waker().clone());
                }
                return Poll::Pending;
            }
        }
        self.work.as_mut().poll(cx)
    }
}
