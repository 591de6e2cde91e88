//! A response body that can be ended from outside, so that a stop does not wait for streams without end.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;
use tonic::body::Body;

use crate::Fault;

/// Passes an answer on until it is cut; then it ends with `unavailable`, which clients take as "try elsewhere".
pub(super) struct Cuttable {
    inner: Body,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    ended: bool,
}

impl Cuttable {
    /// The body, to be ended when `cut` is cancelled.
    pub(super) fn wrap(inner: Body, cut: &CancellationToken) -> Body {
        if inner.is_end_stream() {
            return inner;
        }
        Body::new(Self { inner, cut: Box::pin(cut.clone().cancelled_owned()), ended: false })
    }
}

impl HttpBody for Cuttable {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        self.cut.as_mut().poll(cx).map(|()| {
            self.ended = true;
            Some(trailers().map(Frame::trailers))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn trailers() -> Result<http::HeaderMap, Status> {
    let mut headers = http::HeaderMap::new();
    Status::from(Fault::unavailable("shutting-down")).add_header(&mut headers)?;
    Ok(headers)
}
