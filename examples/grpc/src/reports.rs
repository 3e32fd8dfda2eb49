//! The service of `reports.proto`. A stand-in for what `tonic-prost-build` generates, so that this example builds
//! without `protoc`.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::Service;

pub(crate) const READ: &str = "/demo.Reports/Read";

#[derive(Debug, Clone, Copy)]
pub(crate) struct Reports;

impl NamedService for Reports {
    const NAME: &'static str = "demo.Reports";
}

impl Service<http::Request<Body>> for Reports {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            if request.uri().path() == READ {
                let mut grpc = Grpc::new(ProstCodec::<String, ()>::default());
                Ok(grpc.unary(Read, request).await)
            } else {
                Ok(Status::unimplemented("there is no such method").into_http())
            }
        })
    }
}

struct Read;

impl UnaryService<()> for Read {
    type Response = String;
    type Future = Ready<Result<Response<String>, Status>>;

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new("the reports".to_owned())))
    }
}
